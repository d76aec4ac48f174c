"""What an OOM event did, and its writers: kernel text, tables, JSON, explanations."""
