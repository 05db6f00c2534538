"""The real Pulumi CLI on the local stacks: its own home, state and passphrase, and one generated settings file a stack.

The tracked `stacks/Pulumi.<stack>.yaml` say what every machine has in common. What only this machine knows (its
registry, its images, its gateway class) is laid over them in a file beside the state, and given to the CLI by
`--config-file`, so that a run leaves the checkout as it was.
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pulumi_mlops.cli.pulumi import errors_in

from local import stack_files
from local.paths import ROOT
from local.progress import StepFailed

PLATFORM = "platform-local"
PENGUINS = "penguins-local"
WEB = "web-local"
"""The delivered example, which `make deliver` adds; all of its settings are this machine's, so no file is tracked."""
STACKS = (PLATFORM, PENGUINS)
"""In the order in which they are brought up."""

PROJECT = "pulumi-mlops"

TAKING_OVER = ("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "PULUMI_K8S_ENABLE_PATCH_FORCE")
"""Variables by which the Kubernetes provider takes over objects, and fields that another manager has changed."""


@dataclass(frozen=True)
class Engine:
    """A Pulumi CLI bound to one directory of state."""

    executable: Path
    directory: Path
    """Holds home/, backend/, passphrase and one settings file a stack."""
    kubeconfig: Path
    takes_over: bool = False
    """Whether objects that exist already are taken over: a run that was killed has made some that the state does not
    know, and somebody may have changed a field by hand. For a cluster that is this machine's alone; in another one
    they may be somebody else's."""

    @property
    def home(self) -> Path:
        """PULUMI_HOME: credentials and plugins."""
        return self.directory / "home"

    def prepare(self) -> None:
        """Creates directories and the passphrase that encrypts secrets in the state. Keeps what is there."""
        (self.directory / "backend").mkdir(parents=True, exist_ok=True)
        self.home.mkdir(exist_ok=True)
        (self.directory / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        passphrase = self.directory / "passphrase"
        if not passphrase.exists():
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_urlsafe(32))

    def environment(self) -> dict[str, str]:
        """The caller's environment without the settings of any other Pulumi installation."""
        foreign = tuple(key for key in os.environ if key.startswith("PULUMI_") and not key.startswith("PULUMI_MLOPS_"))
        inherited = {key: value for key, value in os.environ.items() if key not in foreign}
        return {
            **inherited,
            "PULUMI_HOME": str(self.home),
            "PULUMI_BACKEND_URL": f"file://{self.directory / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.directory / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            **(dict.fromkeys(TAKING_OVER, "true") if self.takes_over else {}),
            "KUBECONFIG": str(self.kubeconfig),
        }

    def configure(self, stack: str, settings: Mapping[str, Any]) -> None:
        """Writes the stack's settings file: the tracked one, overlaid with this machine's `settings`; None removes.

        A key without a namespace is the project's.
        """
        self.select(stack)
        tracked = {} if stack == WEB else stack_files.config(stack)
        target = self._settings_file(stack)
        generated = yaml.safe_load(target.read_text()) if target.exists() else {}
        given = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in settings.items()}
        config = {**tracked, **given}
        config = {key: value for key, value in config.items() if value is not None}
        # The salt belongs to the passphrase; with another one, secrets already in the state would be encrypted anew.
        salt = {"encryptionsalt": generated["encryptionsalt"]} if "encryptionsalt" in (generated or {}) else {}
        target.write_text(yaml.safe_dump({**salt, "config": config}))

    def select(self, stack: str) -> None:
        """Creates the stack if it is not there, and frees it from a run that was killed.

        The caller holds the lock of this directory, so no other run of ours can be under way.
        """
        self._mend_state(stack)
        # From a project of the same name beside the state: a new stack writes the key of its secrets into the settings
        # file of the project that it is made in, and the tracked one stays as it was.
        self._run("stack", "select", "--create", stack, quiet=True, directory=self.directory)
        if any((self.directory / "backend" / ".pulumi" / "locks").rglob("*.json")):
            self._run("cancel", "--yes", "--stack", stack, quiet=True)

    def _mend_state(self, stack: str) -> None:
        """Repairs what a killed run has only half written: the state gets the copy that Pulumi keeps of it.

        Beside each file the backend writes one with its content type and checksum, which it can do without, but not
        read when it is cut off ("failed to load checkpoint: EOF").
        """
        stored = self.directory / "backend" / ".pulumi"
        for attributes in stored.rglob("*.attrs"):
            if not _is_json(attributes):
                attributes.unlink()
        state = stored / "stacks" / PROJECT / f"{stack}.json"
        if not state.exists() or _is_json(state):
            return
        copy = state.with_name(f"{state.name}.bak")
        if copy.exists() and _is_json(copy):
            shutil.copy(copy, state)
        else:
            state.unlink()

    def up(self, stack: str, *options: str) -> None:
        """`pulumi up` without a separate preview; what it prints goes to the terminal."""
        self._run(
            "up", "--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress", *options, *self._of(stack)
        )

    def preview(self, stack: str, *options: str) -> None:
        """`pulumi preview`, on the terminal."""
        self._run("preview", "--suppress-progress", *options, *self._of(stack))

    def preview_json(self, stack: str, *options: str) -> dict[str, Any]:
        """`pulumi preview --json`, parsed."""
        return json.loads(self._run("preview", "--json", *options, *self._of(stack), quiet=True))

    def drift_json(self, stack: str) -> str:
        """`pulumi refresh --preview-only --json`: what differs in the cluster from the state; changes neither."""
        return self._run("refresh", "--preview-only", "--json", *self._of(stack), quiet=True)

    def destroy(self, stack: str) -> None:
        """`pulumi destroy`, on the terminal."""
        self._run("destroy", "--yes", "--skip-preview", "--suppress-progress", *self._of(stack))

    def pretend(self, stack: str, resources: Sequence[Mapping[str, Any]]) -> None:
        """Gives a stack a state with these resources, as `pulumi stack export` writes them, and runs no program.

        Secrets in it may be in plain text: they are encrypted as the stack's own.
        """
        self.select(stack)
        salt = yaml.safe_load(self._settings_file(stack).read_text())["encryptionsalt"]
        provider = {"type": "passphrase", "state": {"salt": salt}}
        deployment = {"manifest": {}, "secrets_providers": provider, "resources": resources}
        self.restore(stack, {"version": 3, "deployment": deployment})

    def export(self, stack: str, *, secrets: bool = False) -> dict[str, Any]:
        """The state of a stack, with the values of its secrets if they are asked for."""
        shown = ["--show-secrets"] if secrets else []
        return json.loads(self._run("stack", "export", *shown, "--stack", stack, quiet=True))

    def has_resources(self, stack: str) -> bool:
        """Whether an earlier run has made something."""
        return bool(self.export(stack)["deployment"].get("resources"))

    def restore(self, stack: str, state: Mapping[str, Any]) -> None:
        """Writes a state that was exported without the values of its secrets; drops operations that were begun."""
        file = self.directory / f"{stack}.state.json"
        file.write_text(json.dumps(state))
        self._run("stack", "import", "--stack", stack, "--file", str(file), quiet=True, directory=self.directory)

    def refresh(self, stack: str, urns: Sequence[str]) -> None:
        """Reads some of a stack's resources anew."""
        targets = [word for urn in urns for word in ("--target", urn)]
        self._run("refresh", "--yes", "--skip-preview", *targets, *self._of(stack), quiet=True)

    def forget(self, stack: str) -> None:
        """Drops the state of a stack whose cluster is gone."""
        self._run("stack", "rm", "--yes", "--force", "--preserve-config", stack, quiet=True)
        self._settings_file(stack).unlink(missing_ok=True)

    def outputs(self, stack: str) -> dict[str, Any]:
        """The stack's outputs; secrets stay masked."""
        return json.loads(self._run("stack", "output", "--json", "--stack", stack, quiet=True))

    def stacks(self) -> list[str]:
        """The stacks that have a state here."""
        if not (self.directory / "backend").is_dir():
            return []
        listed = json.loads(self._run("stack", "ls", "--json", quiet=True))
        return [stack["name"] for stack in listed]

    def _settings_file(self, stack: str) -> Path:
        return self.directory / f"Pulumi.{stack}.yaml"

    def _of(self, stack: str) -> list[str]:
        return ["--stack", stack, "--config-file", str(self._settings_file(stack))]

    def _run(self, *arguments: str, quiet: bool = False, directory: Path = ROOT) -> str:
        command = [str(self.executable), *arguments, "--non-interactive", "--color", "never"]
        done = subprocess.run(
            command,
            cwd=directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.PIPE if quiet else None,
            text=True,
            check=False,
        )
        if done.returncode:
            said = f":{_reason(done.stdout, done.stderr)}" if quiet else "; the lines above say why"
            raise StepFailed(f"`pulumi {' '.join(arguments)}` exited with {done.returncode}{said}")
        return done.stdout or ""


def _reason(printed: str, warned: str) -> str:
    """Why a run failed: what its preview in JSON says of it, and else all that the CLI printed."""
    if sentence := " ".join(errors_in(printed).split()):
        return f" {sentence.removeprefix('error: ')}"
    return f"\n{(warned or printed).strip()}"


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text())
    except ValueError:
        return False
    return True
