"""A scenario held to what its `expect` says."""
