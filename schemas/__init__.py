"""JSON Schemas of the kinds that podpy knows, and the validator that words their violations."""
