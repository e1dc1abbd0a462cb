"""Sources: a Sync's git repository, directory or artifact in, the manifests of a revision out."""
