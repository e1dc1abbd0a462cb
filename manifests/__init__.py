"""YAML text in, typed, checked and defaulted values out: the vocabulary of all floors above."""
