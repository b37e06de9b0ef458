"""Changes at a steady rate: how long until another reader sees them in bronze."""
