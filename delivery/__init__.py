"""What the steps of a delivery do to a Git repository: promote an image into an overlay, and take it back.

An application of its own, like `ml`: never in the wheel. Needs git and kustomize on PATH, and PyYAML.
"""
