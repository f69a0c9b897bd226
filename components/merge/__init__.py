"""The merge of a retraining."""
