"""Maintenance of a workspace: delete, clean, verify, disk use."""
