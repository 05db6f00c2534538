"""`pulumi-mlops delivery`: what a DeliveryPipeline has put where, holding and lifting, approving a release.

The cluster says which pipeline there is, what its runs do and what Argo CD sees; the repository says what was promoted,
by whom, and what is held. The repository is read and written by the user's own git, with their own access.
"""
