"""Routes, caches and protection of the server."""
