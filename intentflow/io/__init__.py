"""Files, JSON and YAML: atomic writing, journals, safe paths and limits on untrusted input."""
