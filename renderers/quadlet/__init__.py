"""Pods in, Quadlet files and what they cannot express out. Pure.

    render.render(source, target) -> files by name, and losses with their field paths

A file for each concern: unit (lines and how values are written), honoured (which fields are told
of), pod, container, command, environment, volumes, resources, security. Files are
podman-systemd.unit(5)'s; `podpy render quadlet` writes them.
"""
