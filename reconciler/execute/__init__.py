"""Carry out a plan: in the order of its needs, in parallel, one outcome for each change."""
