"""The program: command line and settings. Imports every room; no room imports it."""

VERSION = "0.1.0"
"""As in pyproject.toml; asking the installed metadata would take longer than all of start-up."""
