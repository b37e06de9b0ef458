"""Tests of the server, over a toy shop in a real lake."""
