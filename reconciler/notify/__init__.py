"""Notifications: what became of a Sync's revisions, told to forges and webhooks."""
