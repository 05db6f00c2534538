"""What the components and the application of `ml/` agree on, written once and read by both.

The settings document of a training pipeline (`settings`), the language of engineered features (`expressions`), the
steps and their order (`steps`), and what a container finds when it starts (`containers`). It needs the standard library
only, so that the images of `ml/` hold it without Pulumi.
"""
