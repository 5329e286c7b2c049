"""The grid of all images of a run."""
