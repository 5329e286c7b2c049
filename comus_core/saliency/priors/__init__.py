"""Saliency without learning: what differs from the border of the image, by four published formulas."""
