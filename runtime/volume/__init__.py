"""Volumes: directories and tmpfs that pods mount, and the files projected into them."""
