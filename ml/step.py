"""What every step has in common: its surroundings, its hand-offs, and how it fails.

A failure is one sentence, on stderr and in /dev/termination-log (Kubernetes and Argo show it), and an exit code:
65 means that the data or the settings are wrong and a retry is useless, anything else that it may help.
"""

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pulumi_mlops.contract.containers import OUTPUTS_DIRECTORY, Variable
from pulumi_mlops.contract.steps import WRONG_DATA_EXIT_CODE

from ml import settings as pipeline_settings
from ml.bundle_writer import json_bytes, replace_durably
from ml.errors import BundleError, PipelineError, SettingsError, StorageError

if TYPE_CHECKING:
    from ml.column_store import Table

TERMINATION_LOG = Path("/dev/termination-log")
RUNS = ".runs"
KEPT_SETTINGS = "settings.json"
LOG = "log"
"""Of the hand-offs: what all steps of the run said, for the message about its end."""
VERDICT_FILE = "verdict.json"


class NotHanded(PipelineError):
    """An earlier step has not left the file; a retry of this step is useless."""

    exit_code = WRONG_DATA_EXIT_CODE


@dataclass(frozen=True)
class Context:
    """One step of one run."""

    environment: Mapping[str, str]

    @cached_property
    def settings(self) -> pipeline_settings.Settings:
        """The pipeline's settings, as they were when the run began: a change reaches the next run, not half of one."""
        kept = self.hand_offs / KEPT_SETTINGS
        source = {Variable.SETTINGS_PATH: str(kept)} if kept.is_file() else {}
        return pipeline_settings.read({**self.environment, **source})

    def keep_settings(self) -> None:
        """Keeps the settings for the later steps and tries of this run."""
        if not (self.hand_offs / KEPT_SETTINGS).is_file():
            self.hand_over(KEPT_SETTINGS, pipeline_settings.content(self.environment))

    @cached_property
    def models(self) -> Path:
        """The volume that pipelines and servers share."""
        return Path(self.required(Variable.MODELS_DIR))

    @cached_property
    def version(self) -> str:
        """Id of the version that this run makes: every retry of a run has the same."""
        created = self.required(Variable.RUN_CREATED)
        try:
            moment = datetime.fromisoformat(created).astimezone(UTC)
        except ValueError:
            raise SettingsError(f"RUN_CREATED must be a time like 2026-11-24T12:00:00Z, got {created!r}") from None
        return f"{moment:%Y%m%d-%H%M%S}-{hashlib.sha256(self.run_id.encode()).hexdigest()[:8]}"

    @cached_property
    def run_id(self) -> str:
        """Unique id of the workflow run."""
        run_id = self.required(Variable.RUN_ID)
        if "/" in run_id or run_id.startswith("."):
            raise SettingsError(f"RUN_ID must be usable as a file name, got {run_id!r}")
        return run_id

    @property
    def hand_offs(self) -> Path:
        """Directory of what this run's steps hand to each other."""
        return self.models / RUNS / self.run_id

    def required(self, name: Variable) -> str:
        """Value of an environment variable that must be there."""
        value = self.environment.get(name, "")
        if not value:
            raise SettingsError(f"environment variable {name} is missing, the workflow template must set it")
        return value

    def hand_over(self, name: str, content: bytes) -> None:
        """Leaves a file for a later step."""
        self.hand_offs.mkdir(parents=True, exist_ok=True)
        replace_durably(self.hand_offs / name, content)

    def hand_over_json(self, name: str, value: Any) -> None:
        """Leaves JSON for a later step."""
        self.hand_over(name, json_bytes(value))

    def handed(self, name: str) -> Path:
        """A file that an earlier step left."""
        return self._found(name, self.hand_offs / name)

    def handed_table(self, name: str) -> "Table":
        """A table that an earlier step left."""
        from ml import column_store  # noqa: PLC0415 - half of the steps read none

        return column_store.Table(self._found(name, self.hand_offs / name / column_store.INDEX).parent)

    def _found(self, name: str, path: Path) -> Path:
        if not path.is_file():
            raise NotHanded(f"run {self.run_id} has no {name} from an earlier step, run the pipeline from its start")
        return path

    def handed_json(self, name: str) -> Any:
        """JSON that an earlier step left."""
        return json.loads(self.handed(name).read_bytes())

    def output(self, name: str, value: str) -> None:
        """Sets an output parameter of the step."""
        directory = Path(self.environment.get(Variable.OUTPUTS_DIR) or OUTPUTS_DIRECTORY)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(value, encoding="utf-8")


def say(message: str) -> None:
    """One line of the step's log."""
    print(f"{datetime.now(UTC):%H:%M:%S} {message}", flush=True)


def attempt(step: Callable[[Context], None], environment: Mapping[str, str]) -> None:
    """Runs a step; whatever goes wrong comes out as a PipelineError with one sentence."""
    try:
        step(Context(environment))
    except PipelineError:
        raise
    except BundleError as error:
        raise StorageError(str(error)) from error
    except OSError as error:
        raise StorageError(_storage_sentence(error)) from error


def main(step: Callable[[Context], None], environment: Mapping[str, str] = os.environ) -> None:
    """Entry point of `python -m ml.<step>`: runs the step; raises SystemExit if it fails."""
    with contextlib.redirect_stdout(_Kept(sys.stdout, Context(environment))):
        try:
            attempt(step, environment)
        except PipelineError as error:
            _fail(str(error), error.exit_code)
        except Exception as error:
            traceback.print_exc(file=sys.stdout)
            kind = type(error).__name__
            _fail(f"{step.__module__} has a defect ({kind}: {error}), its log has the details", os.EX_SOFTWARE)


class _Kept(io.TextIOBase):
    """The output of a step, kept in the run's log besides; opened for each text, since the last step removes it."""

    def __init__(self, stream: TextIO, context: Context) -> None:
        self._stream = stream
        self._log: Path | None = None
        with contextlib.suppress(PipelineError, OSError):
            context.hand_offs.mkdir(parents=True, exist_ok=True)
            self._log = context.hand_offs / LOG

    def write(self, text: str) -> int:
        if self._log:
            with contextlib.suppress(OSError), self._log.open("a", encoding="utf-8") as log:
                log.write(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()


def _fail(sentence: str, code: int) -> None:
    sentence = " ".join(sentence.split())
    print(sentence, file=sys.stderr, flush=True)
    if TERMINATION_LOG.exists():  # outside a pod there is none
        try:
            TERMINATION_LOG.write_text(termination_message(sentence), encoding="utf-8")
        except OSError:
            print("(the sentence could not be written to the termination log)", file=sys.stderr)
    raise SystemExit(code)


def termination_message(sentence: str) -> str:
    """The sentence as Argo may pass it on: it would fill in what is in double braces, as cells of data may be."""
    return re.sub(r"\{(?=\{)", "{ ", sentence)


def _storage_sentence(error: OSError) -> str:
    place = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the volume is full{place}: free space on it or enlarge its claim, then retry the run"
    return f"the volume refused a read or write{place} ({error.strerror or error})"
