"""What the steps of a delivery do to a Git repository: promote an image into an overlay, take it back, say so.

An application of its own, like `ml`: never in the wheel. Needs git and kustomize on PATH, and PyYAML.
"""
