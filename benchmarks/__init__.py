"""podpy beside Podman 5.4 on one machine: `python -m benchmarks.run --help`."""
