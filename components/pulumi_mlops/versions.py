"""Every version that the library installs or names, in one place.

Update one pin at a time, run `make test`, and say in CHANGELOG.md what moved. A test refuses version-like literals
anywhere else in the library and the stacks.
"""

KUBERNETES = "1.36.3"
"""Kubernetes of the one-machine node; EKS offers the same minor."""

ARGO_WORKFLOWS = "3.7.18"
"""Argo Workflows where its images are built from Go modules: 4.x has no entry in the checksum database."""

ARGO_WORKFLOWS_CHART = "0.45.28"
"""Last chart line of argo-helm that ships Argo Workflows 3.7."""

GATEWAY_API = "1.5.1"
"""Gateway API CRDs, standard channel; what Istio 1.30 is built on."""

MLFLOW = "3.17.2"
"""MLflow server and client. 3.18.0 asks for an mlflow-skinny that was never published."""

SEAWEEDFS = "4.48"
"""SeaweedFS, the in-cluster S3 store."""

ML = "0.1.0"
"""The pipeline and server images of ml/, released together with the library."""
