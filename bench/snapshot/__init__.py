"""A table of a Postgres database, from COPY to a committed Iceberg table."""
