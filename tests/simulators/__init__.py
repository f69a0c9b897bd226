"""Programs that play what cannot run here: operators by their source, and a node."""
