"""Objects from the dense features of one image: arithmetic on (h, w, d) arrays, without networks and files."""
