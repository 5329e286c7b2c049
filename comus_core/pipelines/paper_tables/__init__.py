"""The tables of the paper, each a plan: rows that verbs compute, beside the rows that papers report."""
