"""Saliency: soft maps from a detector chosen by name, then proposals."""
