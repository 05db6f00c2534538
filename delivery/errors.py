"""The one error of the delivery steps."""


class DeliveryError(Exception):
    """A step cannot go on; the message names what was refused and what to do, in one line or with quoted output."""
