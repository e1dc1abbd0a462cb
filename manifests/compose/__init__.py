"""Compose files as manifests, for `podpy convert`: files in, documents of Kubernetes' kinds out."""
