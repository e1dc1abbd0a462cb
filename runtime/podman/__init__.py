"""Podman on this host, asked and steered through its own command."""
