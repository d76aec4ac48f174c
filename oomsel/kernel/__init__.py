"""The simulated kernel: counters, the task table, and the OOM killer's decision, under the kernel's own names."""
