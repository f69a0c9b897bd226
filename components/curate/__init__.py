"""Step ``curate``: redaction, deduplication and conflicting labels."""
