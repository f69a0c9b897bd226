"""The way back from service: requests compared with training rows, and replays of the past."""
