"""A finished run opened for reading: artifacts, views, ground truth, categories, differences."""
