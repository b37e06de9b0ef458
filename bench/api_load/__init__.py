"""Shopify orders from HTTP on loopback to a committed Iceberg table."""
