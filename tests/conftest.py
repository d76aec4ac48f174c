"""How hypothesis tries laws: without a deadline, as machines are shared; on fewer examples for make test-fast."""

from hypothesis import settings

settings.register_profile("whole", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=20)
settings.load_profile("whole")
