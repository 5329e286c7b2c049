"""Scenes that this program draws itself, with exact ground truth."""
