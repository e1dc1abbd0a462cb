"""The target for which systemd and Podman run what the manifests say, by files of Quadlet."""
