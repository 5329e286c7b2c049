"""Pretrained weights: source, licence, supervision, download and import."""
