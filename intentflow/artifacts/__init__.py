"""Typed files between steps, each with a version, one reader and one writer."""
