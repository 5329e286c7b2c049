"""The demo: drawn scenes with exact ground truth."""
