"""The running machine as a scenario: /proc, /sys and the cgroup files, or a copy of them."""
