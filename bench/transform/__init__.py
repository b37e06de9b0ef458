"""Silver and gold over many order lines: everything, nothing new, one new day, one changed model."""
