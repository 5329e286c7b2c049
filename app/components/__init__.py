"""One visible thing a module; each takes plain values and gives back the user's choice."""
