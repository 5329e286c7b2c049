"""Encoders by name: from a crop of an image to one raw vector. Importing this loads no torch."""
