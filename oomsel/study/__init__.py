"""Workloads and what counter designs make of them, synthetic scenarios, and the benchmark."""
