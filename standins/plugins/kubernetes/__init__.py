"""Stand-in for the published Kubernetes provider, over a real API server.

It keeps the published provider's inputs, state, identifiers and rules (naming, replacement, server-side apply, waits),
so that a program passes or fails alike on both. What it does not implement it refuses in one sentence.
"""
