"""Counts of pixels, made once; then every score is a sum over them. Imports no torch."""
