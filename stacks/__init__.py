"""The stacks of this repository: one Pulumi program, one module a layer."""
