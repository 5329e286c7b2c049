"""Files of label tools read into one neutral record: one file a format, and their images found among a run's."""
