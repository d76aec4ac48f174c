"""Writers: what an event did, as kernel text, tables, JSON and explanations. They decide nothing about the kernel."""
