"""Fixtures that start real servers on loopback; tests that use them are marked ``real``."""
