"""Whether what runs is well: probes, what their results come to, and who runs them."""
