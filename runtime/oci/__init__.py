"""Containers through an OCI runtime under conmon: create, start, stop, exec, logs."""
