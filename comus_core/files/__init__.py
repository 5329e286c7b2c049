"""Files and folders as such: names, safe writing, the person's own folders, faults of the system."""
