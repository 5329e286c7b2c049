"""The table of proposals, their masks, and pseudo-masks."""
