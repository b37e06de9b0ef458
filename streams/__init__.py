"""What is happening now: Bytewax flows."""
