"""The scenario format: its declaration, its reading, and its rules."""
