"""Kernel traces as text, of ftrace, `perf script` or `trace-cmd report`: the counters' updates in columns."""
