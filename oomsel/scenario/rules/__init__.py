"""Rules over a whole scenario: what no single value can break."""
