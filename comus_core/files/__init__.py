"""Files and folders: names, atomic writing, the user's folders, operating system errors."""
