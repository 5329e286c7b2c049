"""Cached reads and words, keyed by artifact; no Streamlit."""
