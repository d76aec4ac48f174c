"""For make test-fast: laws are tried on fewer examples."""

from hypothesis import settings

settings.register_profile("fast", max_examples=20)
