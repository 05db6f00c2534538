"""Rules that the network and the cluster share."""

from pulumi_mlops._args import Rule, matches

LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""Retentions that CloudWatch Logs offers (PutRetentionPolicy)."""

cluster_name: Rule = matches(
    "[A-Za-z0-9][A-Za-z0-9_-]{0,99}",
    "a name of an EKS cluster: 1 to 100 letters, digits, hyphens and underscores, the first no sign",
)
"""What EKS accepts as a cluster's name (CreateCluster)."""
