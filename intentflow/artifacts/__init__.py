"""The files between steps: what each holds, its version, its one reader and its one writer."""
