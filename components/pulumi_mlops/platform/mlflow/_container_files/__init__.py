"""What runs inside the MLflow server's container. The component puts these files into a ConfigMap, each by its name.

They import the server's own packages and nothing of this library, which the image does not have.
"""
