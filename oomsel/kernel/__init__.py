"""The simulated kernel: counters, the task table, and the OOM killer's decision.

What is the kernel's has the kernel's name.  An event begins where out_of_memory() does and takes
no time; README, under "What is not simulated", lists what is left out.
"""
