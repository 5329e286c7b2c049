"""The page of the proposals most like some others."""
