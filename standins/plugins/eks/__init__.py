"""Stand-in for the published EKS plugin: remote components, built from pulumi-aws resources of the same names.

Takes over the type tokens, inputs, outputs and children's names of pulumi-eks, so that a stack keeps its URNs when the
published plugin takes over. Does not own: what the children become (that is the AWS provider's), nodes outside managed
node groups, Fargate, node pools of Auto Mode other than EKS' own, and the aws-auth ConfigMap; inputs for these are
refused by name.
"""
