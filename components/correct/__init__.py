"""Step ``correct``: preference tuning."""
