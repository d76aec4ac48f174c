"""Workloads, synthetic scenarios and benchmarks: callers of the rest, never imported by it."""
