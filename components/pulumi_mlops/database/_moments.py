"""Moments to which a database is restored."""

from datetime import UTC, datetime


def moment(value: str) -> str | None:
    """A rule: a moment of the past with its offset from UTC (RFC 3339)."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or len(value) < len("2026-01-01T00:00:00Z"):
        return 'must be a moment with its offset from UTC, such as "2026-11-30T13:35:30Z"'
    return None if at <= datetime.now(UTC) else "must be in the past"


def in_utc(value: str) -> str:
    """The moment in UTC, as RDS and CloudNativePG read it."""
    return datetime.fromisoformat(value).astimezone(UTC).isoformat().replace("+00:00", "Z")
