"""The table of proposals, their masks, and the pseudo-masks made of them."""
