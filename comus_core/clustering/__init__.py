"""From vectors to clusters: neighbour graph, spectral embedding, k-means, distances and filter (paper section 3.2)."""
