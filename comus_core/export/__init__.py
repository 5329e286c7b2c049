"""Exports: runs in the formats of other tools, and as bundles, out and back in."""
