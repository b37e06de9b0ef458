"""How data gets in: one folder a source."""
