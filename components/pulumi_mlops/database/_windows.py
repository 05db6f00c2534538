"""When RDS makes backups and changes an instance, in UTC."""

import re

BACKUP_WINDOW = "01:00-02:00"
"""Time of the daily backup; the maintenance window must not overlap it."""
MIN_WINDOW_MINUTES = 30  # RDS: shortest maintenance window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(rf"({'|'.join(_DAYS)}):([01]\d|2[0-3]):([0-5]\d)-({'|'.join(_DAYS)}):([01]\d|2[0-3]):([0-5]\d)")
_DAY, _WEEK = 24 * 60, 7 * 24 * 60  # minutes


def maintenance_window(value: str) -> str | None:
    """A weekly time that RDS takes beside the daily backup."""
    if not (found := _WINDOW.fullmatch(value)):
        return 'must be a weekly time in UTC such as "sun:03:00-sun:04:00"'
    first, last = (
        (_DAYS.index(day) * 24 + int(hour)) * 60 + int(minute)
        for day, hour, minute in (found.groups()[:3], found.groups()[3:])
    )
    minutes = (last - first) % _WEEK
    if not MIN_WINDOW_MINUTES <= minutes <= _DAY:
        return f"must last from {MIN_WINDOW_MINUTES} minutes to a day"
    backup = next(start for start in range(60, 3 * _WEEK, _DAY) if start + 60 > first)
    return f"must not overlap the backup, {BACKUP_WINDOW} UTC" if backup < first + minutes else None
