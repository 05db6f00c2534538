"""What would stop a first `pulumi up` late: asked of the account beforehand, by calls that only read."""
