"""This machine: its compute devices, its threads, and the memory that a block takes."""
