"""A file a format: its spec and its writer."""
