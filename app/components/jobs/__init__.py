"""Jobs, runs and disk."""
