"""What a training pipeline sends when a run fails or its version does not pass: the forms of the message."""

from enum import StrEnum

URL_KEY = "url"
"""Key of the Secret that holds the address; the address itself is a secret, as Slack's are."""


class NotificationForm(StrEnum):
    """What the body of the request is."""

    JSON = "JSON"
    """An object: namespace, run, status (`failed` or `not passed`), step, sentence, link, and log, a list of lines."""
    SLACK = "SLACK"
    """The same as one text, for an incoming webhook of Slack, Mattermost or Rocket.Chat."""
