"""Self-training and ablations."""
