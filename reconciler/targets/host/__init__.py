"""The target that is this host: pods by podpy's own runtime layer."""
