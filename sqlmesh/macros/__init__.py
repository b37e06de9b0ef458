"""What differs between the warehouses, settled in one place."""
