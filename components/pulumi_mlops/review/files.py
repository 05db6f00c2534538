"""Previews from files, for every subcommand."""

import dataclasses
import sys
from codecs import BOM_UTF8
from pathlib import Path

from pulumi_mlops.review.preview import Preview, PreviewError, Urn
from pulumi_mlops.review.reading import PREVIEW, Output, read

STANDARD_INPUT = Path("-")


def load(file: Path, stack: str = "", output: Output = PREVIEW) -> Preview:
    """The preview in the file, of the stack that is named, or that its resources name, or else of the file's name.

    The file `-` is standard input; `output` says what the file should be, for the message.

    Raises:
        PreviewError: the file cannot be read, or is no preview.
    """
    try:
        said = sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()
        # With a mark at its beginning, as some shells of Windows write it.
        found = read(said.removeprefix(BOM_UTF8).decode(), stack or file.stem, output)
    except OSError as error:
        raise PreviewError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PreviewError(
            f"{file} is no preview: it is not text in UTF-8; in PowerShell, write it by `| Out-File -Encoding utf8`"
        ) from None
    named = stack or (Urn.parse(found.steps[0].urn).stack if found.steps else found.stack)
    return dataclasses.replace(found, stack=named)
