"""Take over what Podman runs: which pods it becomes, in which groups, and the change-over."""
