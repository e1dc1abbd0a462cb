"""Compare what is wanted with what is there: a plan of changes, each with its reasons. Pure."""
