"""The scenario file: read, checked with the place of every mistake, and made a machine."""
