"""Behavioural tests of a model: edits of labelled rows whose effect on the answer is known."""
