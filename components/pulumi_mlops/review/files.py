"""Previews from files, for every word of the command."""

import dataclasses
from pathlib import Path

from pulumi_mlops.review.preview import Preview, PreviewError, Urn
from pulumi_mlops.review.reading import read


def load(file: Path, stack: str = "") -> Preview:
    """The preview in the file, of the stack that is named, or that its resources name, or else of the file's name.

    Raises:
        PreviewError: the file cannot be read, or is no preview.
    """
    try:
        found = read(file.read_text(encoding="utf-8"), stack or file.stem)
    except OSError as error:
        raise PreviewError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PreviewError(f"{file} is no preview: it is no text in UTF-8") from None
    named = stack or (Urn.parse(found.steps[0].urn).stack if found.steps else found.stack)
    return dataclasses.replace(found, stack=named)
