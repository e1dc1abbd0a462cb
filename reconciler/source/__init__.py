"""Sources: a Sync's git repository or directory in, the manifests of a revision out."""
