"""What a platform on AWS stands on, for the stack that makes it once an environment. Needs the extra `aws`."""

__all__: list[str] = []
