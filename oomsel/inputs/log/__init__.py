"""A report in a kernel log as a scenario: the one place that knows both."""
