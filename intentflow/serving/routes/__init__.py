"""Routes of the service, a protocol a module."""
