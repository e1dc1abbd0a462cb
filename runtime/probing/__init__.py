"""Ask a container once how it is, from outside of it: one attempt of one probe, with a deadline."""
