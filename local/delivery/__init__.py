"""The option `delivery` of the platform on one machine: `make deliver`.

Gitea, a registry that takes pushes with a login, BuildKit, Argo Events and Argo CD, installed by the manifests of their
own releases, and the example that is delivered by them.
"""
