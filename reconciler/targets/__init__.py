"""Where pods run: each target observes what is there and carries out a plan."""
