"""Data sets: picked and checked."""
