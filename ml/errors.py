"""Every error that ml/ raises on purpose. Each message is one sentence for the person who has to act on it."""

import sys
from typing import Any

from pulumi_mlops.contract.steps import WRONG_DATA_EXIT_CODE


class PipelineError(Exception):
    """A step cannot go on. A retry may help, unless the subclass says otherwise."""

    exit_code = 1


class SettingsError(PipelineError):
    """The pipeline's settings or a step's environment are wrong; a retry is useless."""

    exit_code = WRONG_DATA_EXIT_CODE


class DataError(PipelineError):
    """The data cannot be read or cannot be learned from as it is; a retry is useless."""

    exit_code = WRONG_DATA_EXIT_CODE


class SourceError(PipelineError):
    """The place the data comes from did not answer; a retry may help."""


class StorageError(PipelineError):
    """The volume that holds models and hand-offs refused a write or a read."""


class DeployError(PipelineError):
    """The endpoint did not take the new version; the message says which it has."""


class RolledBack(DeployError):
    """The endpoint did not take the version and has its previous one back; to try again would only disturb it again."""

    exit_code = WRONG_DATA_EXIT_CODE


class BundleError(Exception):
    """A version directory is missing, incomplete or not what its manifest says."""


class BadInput(ValueError):
    """Rows that the model cannot answer; the sender has to change them."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


if "seldon_core" in sys.modules:  # under seldon-core-microservice, which answers its own exception with a clean 400
    from seldon_core.flask_utils import SeldonMicroserviceException

    class _SeldonBadInput(SeldonMicroserviceException, BadInput):
        def __init__(self, message: str) -> None:
            SeldonMicroserviceException.__init__(self, message, status_code=400)

    BadInput: Any = _SeldonBadInput
