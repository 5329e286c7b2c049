"""Reports of runs and comparisons as one HTML or Markdown file."""
