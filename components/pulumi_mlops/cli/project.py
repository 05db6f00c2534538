"""The Pulumi project that a command works on, and the settings files of its stacks."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from pulumi_mlops.cli.errors import CommandError

FILES = ("Pulumi.yaml", "Pulumi.yml")


@dataclass(frozen=True)
class Project:
    """A directory with a Pulumi.yaml."""

    name: str
    directory: Path
    stack_directory: Path
    """Where the settings files of the stacks are."""

    @classmethod
    def find(cls, start: Path) -> "Project":
        """The project of a directory, found as Pulumi finds it: there, or in the nearest directory above.

        Raises:
            CommandError: there is none, or its file cannot be read.
        """
        for directory in (start, *start.parents):
            for file in (directory / name for name in FILES):
                if file.is_file():
                    return cls._read(file)
        raise CommandError(
            f"no Pulumi.yaml in {start} or above it: run this in the directory of your Pulumi project, or make one "
            "with `pulumi new`"
        )

    @classmethod
    def _read(cls, file: Path) -> "Project":
        content = _mapping(file)
        name = content.get("name")
        if not isinstance(name, str) or not name:
            problem = "has no `name`" if name is None else f"must have a text as its `name`, got {name!r}"
            raise CommandError(f"{file} {problem}")
        return cls(name, file.parent, file.parent / str(content.get("stackConfigDir") or "."))

    def settings_file(self, stack: str) -> Path:
        """The settings file of a stack, which may not exist."""
        return self.stack_directory / f"Pulumi.{short(stack)}.yaml"

    def stack_document(self, stack: str) -> dict[str, object]:
        """What the stack's settings file says; empty where there is none."""
        file = self.settings_file(stack)
        return _mapping(file) if file.is_file() else {}

    def setting(self, stack: str, key: str) -> object:
        """A setting, by its `key`; None where the stack does not have it."""
        config: object = self.stack_document(stack).get("config")
        return cast("dict[str, object]", config).get(self.key(key)) if isinstance(config, dict) else None

    def key(self, key: str) -> str:
        """A setting's key in a settings file: of the project's own namespace, unless it names one (`aws:region`)."""
        return key if ":" in key else f"{self.name}:{key}"

    def region(self, stack: str) -> str:
        """The region of the stack's AWS provider, as its settings file has it; empty where it has none."""
        return str(self.setting(stack, "aws:region") or "")


def stack_name(text: str) -> str:
    """A stack's name on the command line: `dev`, `organization/dev` or `organization/project/dev`.

    Pulumi takes an empty name for the selected stack, so that a script with an unset variable would work on that one.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    parts = text.split("/")
    if len(parts) > 3 or not all(part.strip() for part in parts):
        raise argparse.ArgumentTypeError(
            f"must be a name such as dev or organization/project/dev, got {text!r}; `pulumi stack ls` lists the stacks"
        )
    return text


def short(stack: str) -> str:
    """A stack's own name, without organization and project."""
    return stack.rpartition("/")[2]


def _mapping(file: Path) -> dict[str, object]:
    try:
        content: object = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CommandError(f"{file}{line} is not YAML: {error.problem or error.context}") from error
    except ValueError as error:  # a date that does not exist
        raise CommandError(f"{file} has a value that cannot be read: {error}; write it in quotes") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise CommandError(f"{file} must be a mapping, got {content!r:.60}")
    return cast("dict[str, object]", content)
