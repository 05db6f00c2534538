"""The kinds of Git hosts."""

from enum import StrEnum


class GitHostKind(StrEnum):
    """Which API a Git host speaks."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    """Forgejo speaks it as well."""
