"""Stand-in for the published AWS provider: each resource type as calls to an AWS API that answers on this machine.

It never speaks to AWS itself. A type, a property or a part of a property that it does not know is refused by name.
"""
