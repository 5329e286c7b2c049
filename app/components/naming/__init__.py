"""The page on which clusters are named one after the other."""
