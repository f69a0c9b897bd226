"""Journeys of the four personas, each from an empty folder with documented commands only."""
