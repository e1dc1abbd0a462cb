"""SQLite: what was applied, which addresses and ports are taken, what happened. Only memory."""
