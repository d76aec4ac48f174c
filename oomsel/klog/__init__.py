"""From the bytes of a kernel log to its OOM reports."""
