"""The agent: decides when a pass is due, and for which Sync. The passes are the others' rooms."""
