"""The Export page: choices, preview, results."""
