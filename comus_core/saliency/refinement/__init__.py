"""Refinement of soft maps: their borders move to the edges of the image, each way by choice."""
