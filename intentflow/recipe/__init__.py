"""Training recipes: what is trained, how, and on which devices."""
