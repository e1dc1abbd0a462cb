"""Effects on Linux, and reading Linux: namespaces, mounts, links, images, containers."""
