"""Partitions of a followed table, where the publication speaks of them and not of the table they are part of."""

from pipelines.postgres.api import Connection

ROOT = """
SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_partition_root(%s::oid::regclass)
"""
LEAVES = """
SELECT t.relid::oid::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_partition_tree(c.oid) t
WHERE n.nspname = %s AND c.relname = %s AND t.isleaf
"""
FILTERS = """
SELECT n.nspname::text, c.relname::text,
       CASE WHEN p.tablename IS NULL THEN 'false' ELSE coalesce(p.rowfilter, 'true') END
FROM pg_partition_tree(%s::regclass) t
JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
  SELECT q.tablename, q.rowfilter FROM pg_partition_ancestors(t.relid) a, pg_publication_tables q
  WHERE q.pubname = %s AND format('%%I.%%I', q.schemaname, q.tablename)::regclass = a.relid LIMIT 1) p ON true
WHERE t.isleaf ORDER BY 1, 2
"""
PUBLISHED_ROOTS = """
SELECT DISTINCT n.nspname::text, c.relname::text
FROM pg_publication_tables p
JOIN pg_class c ON c.oid = pg_partition_root(format('%%I.%%I', p.schemaname, p.tablename)::regclass)
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.pubname = %s
"""


def root_of(connection: Connection, relid: int) -> tuple[str, str] | None:
    """Name the table that a partition is part of; None for what is no partition, or is gone."""
    row = connection.execute(ROOT, (relid,)).fetchone()
    return None if row is None else (str(row[0]), str(row[1]))


def leaves_of(connection: Connection, schema: str, name: str) -> frozenset[int]:
    """Give the partitions (pg_class.oid) that hold a table's rows now."""
    return frozenset(int(str(row[0])) for row in connection.execute(LEAVES, (schema, name)))


def published_roots(connection: Connection, publication: str) -> set[tuple[str, str]]:
    """Name the tables of which the publication has partitions."""
    return {(str(schema), str(name)) for schema, name in connection.execute(PUBLISHED_ROOTS, (publication,))}


def filters_of(connection: Connection, publication: str, root: str) -> tuple[tuple[str, str, str], ...]:
    """Give the schema, the name and the row filter of each partition that holds rows of the table ``root`` (quoted).

    A partition that isn't published has the filter ``false``.
    """
    rows = connection.execute(FILTERS, (root, publication))
    return tuple((str(schema), str(name), str(row_filter)) for schema, name, row_filter in rows)
