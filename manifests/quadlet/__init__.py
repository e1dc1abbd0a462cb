"""Unit files of Podman's Quadlet as manifests: files in, documents of Kubernetes' kinds out."""
