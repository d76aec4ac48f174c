"""Two runs compared, as text and task by task."""
