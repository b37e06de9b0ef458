"""Seeded defects in the models, each of which a unit test must notice."""
