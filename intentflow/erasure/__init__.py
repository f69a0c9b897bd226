"""Erasure: a person's rows out of every data set and log, and not back in the next run."""
