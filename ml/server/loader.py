"""Bringing model versions in: verify, load, try once, swap. Keeps trying while a version cannot be loaded.

A volume shared over the network may show a new directory seconds after the pipeline has written it, so a version that
is missing or incomplete is tried again, ever more rarely. A version that replaces another is loaded beside it.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml.server import log
from ml.server.metrics import Metrics
from ml.server.settings import Settings

FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 15.0
POLL_SECONDS = 1.0
"""How often the version file is read."""


class Loader:
    """Which version is wanted, which is loaded, and why they differ."""

    model: Any = None
    """The loaded model, None when there is none."""
    wanted: str = ""
    """The version that should be served, empty when none has been deployed."""
    problem: str | None = None
    """Why the wanted version is not loaded, in one sentence."""

    def __init__(
        self, settings: Settings, metrics: Metrics, load: Callable[[Settings, str], Any] | None = None
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._load = load or load_version
        self._task: asyncio.Task[None] | None = None
        self.wanted = self._wanted()

    @property
    def ready(self) -> bool:
        """Whether there is nothing to load, or a version loaded."""
        return self.model is not None or not self.wanted

    def start(self) -> None:
        """Begins to load, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Ends loading and watching."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        if not self.wanted:
            log.event("no model version has been deployed yet", model=self._settings.model_name)
        retry_at, delay, last = loop.time(), FIRST_RETRY_SECONDS, self.wanted
        while True:
            if self.wanted != last:
                retry_at, delay, last, self.problem = loop.time(), FIRST_RETRY_SECONDS, self.wanted, None
            if self.wanted and self.wanted != self._loaded() and loop.time() >= retry_at:
                await self._try(self.wanted)
                retry_at, delay = loop.time() + delay, min(delay * 2, LAST_RETRY_SECONDS)
            if self._settings.model_version_file is None:
                if self.wanted == self._loaded():
                    return
                await asyncio.sleep(max(0.0, retry_at - loop.time()))
            else:
                await asyncio.sleep(POLL_SECONDS)
                self.wanted = await loop.run_in_executor(None, self._wanted)

    def _loaded(self) -> str:
        return self.model.version if self.model is not None else ""

    async def _try(self, version: str) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        try:
            model = await loop.run_in_executor(None, self._load, self._settings, version)
        except Exception as error:  # whatever it is, the server stays up and says so
            problem = _sentence(error, f"{self._settings.model_name}/{version}")
            if problem != self.problem:
                log.event(
                    "model version cannot be loaded",
                    logging.ERROR,
                    exc_info=not _is_expected(error),
                    model=self._settings.model_name,
                    version=version,
                    reason=problem,
                    serving=self._loaded() or None,
                )
            self.problem = problem
            return
        self.model, self.problem = model, None
        self._metrics.serving(model.name, model.version)
        log.event(
            "model version loaded", model=model.name, version=model.version, seconds=round(loop.time() - begin, 3)
        )

    def _wanted(self) -> str:
        """The version that should be served; a version file that is missing or unreadable changes nothing."""
        file = self._settings.model_version_file
        if file is None:
            return self._settings.model_version
        try:
            return file.read_text().strip()
        except (OSError, ValueError):
            return self.wanted


def load_version(settings: Settings, version: str) -> Any:
    """Loads a version and predicts one row of missing cells with it; raises what went wrong."""
    from ml import bundle  # noqa: PLC0415 - xgboost's import takes longest; the server already answers meanwhile
    from ml.model import Model  # noqa: PLC0415

    path: Path = bundle.version_path(settings.models_dir, settings.model_name, version)
    model = Model(str(path))
    model.load()
    model.predict([[None] * len(model.feature_names)])
    return model


def _is_expected(error: Exception) -> bool:
    return type(error).__name__ == "BundleError" or isinstance(error, OSError)


def _sentence(error: Exception, label: str) -> str:
    """One sentence for people outside, which names no path: BundleError's own, or what kind of fault it was."""
    if type(error).__name__ == "BundleError":
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"model version {label} cannot be read ({error.strerror})"
    return f"model version {label} cannot be loaded ({type(error).__name__})"
