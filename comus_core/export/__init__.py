"""Runs as bundles: out, and back in."""
