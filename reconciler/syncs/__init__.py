"""Syncs: make the host follow each source, safely, revision by revision."""
