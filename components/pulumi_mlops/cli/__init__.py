"""The command `pulumi-mlops`: what a platform team needs around its own stacks, in its own Pulumi project.

One module or folder a subcommand, each with a function `run` that takes the arguments and returns the exit status. A
subcommand is imported when it is called. Every one works on the project in the current directory, with the Pulumi CLI
on PATH and the user's own backend and login.
"""
