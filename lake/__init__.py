"""What a table is here: the catalogue, exactly-once commits, proofs and releases."""
