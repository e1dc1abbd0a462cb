"""Decide what has to change, do it in order, and record what came of it."""
