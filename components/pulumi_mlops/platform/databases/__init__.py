"""Databases that developers ask for by a manifest: an API of Crossplane's, on AWS or in the cluster.

`database_api` and `local_database_api` are its two components. What both define, `_schema`, is the same for developers;
`_on_aws` and `_in_cluster` compose what stands behind it.
"""
