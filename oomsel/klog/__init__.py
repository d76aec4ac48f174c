"""The kernel log: the lines of an OOM report by release, and how names stand in them."""
