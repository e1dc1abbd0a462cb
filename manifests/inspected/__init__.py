"""What `podman inspect` tells of containers: JSON in, documents as YAML would be out. Pure."""
