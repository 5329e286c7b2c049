"""Detectors on the Images page: compared, trained, applied."""
