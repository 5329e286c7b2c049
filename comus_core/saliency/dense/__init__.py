"""Saliency detectors over an encoder's dense features: one file each, with its spec."""
