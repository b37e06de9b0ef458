"""What is happening now: events from the bus, folded into windows and landed in bronze."""
