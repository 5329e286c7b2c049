"""The Import page: the file, and what it changes."""
