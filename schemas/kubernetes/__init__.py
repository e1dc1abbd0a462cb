"""The schemas of Kubernetes: generated, see SOURCE.md. Read by schemas.catalogue."""
