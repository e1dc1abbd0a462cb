"""Pods in, Quadlet files and what they cannot express out. Pure.

    render.render(source, target) -> files by name, and losses with their field paths

A file for each concern: unit (keys and how values are written), honoured (which fields are told
of), order (who waits for whom), pod, container and what these are made of, jobs and timers, images,
kube. Files are podman-systemd.unit(5)'s; `podpy render quadlet` writes them.
"""
