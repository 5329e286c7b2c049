"""Scores of runs and rounds, at any filter, label map and matching."""
