"""The schemas of the kinds that are podpy's own: written by hand. Read by schemas.catalogue."""
