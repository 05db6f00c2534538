"""Pipeline steps and prediction server of pulumi-mlops; an application with its own images, never in the wheel.

Importing this package costs nothing: each step imports what it needs.
"""
