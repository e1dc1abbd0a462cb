"""System calls, namespaces, mounts, cgroups and processes: the kernel's side of a container."""
