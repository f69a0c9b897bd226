"""Model directories: loading, encoding, packed attention, prompt prefixes and memory estimates."""
