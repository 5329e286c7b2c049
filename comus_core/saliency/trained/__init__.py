"""Our own detector: a small network that learned from classical priors, on images without any label."""
