"""Benchmarks: ours beside its best peers and the machine's own limit, turn by turn."""
