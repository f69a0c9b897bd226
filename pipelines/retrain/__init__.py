"""The retraining of a service's model on what is new."""
