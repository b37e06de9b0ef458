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
IDENTITIES = """
SELECT n.nspname::text, r.relname::text, format('%I.%I', m.nspname, c.relname), keys.wanted,
       (SELECT format('%I', x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
          AND ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                    ORDER BY 1) = keys.wanted LIMIT 1)
FROM pg_class c JOIN pg_namespace m ON m.oid = c.relnamespace
JOIN pg_class r ON r.oid = pg_partition_root(c.oid) JOIN pg_namespace n ON n.oid = r.relnamespace
CROSS JOIN LATERAL (
  SELECT ARRAY(SELECT a.attname::text
               FROM pg_index i JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
               WHERE i.indrelid = t.oid AND CASE t.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END
               ORDER BY 1) AS wanted
  FROM pg_class t WHERE t.oid = r.oid) keys
WHERE c.relispartition AND c.relkind = 'r' AND c.relreplident <> 'f' AND keys.wanted <> '{}' AND (
  c.relreplident = 'n' OR NOT keys.wanted <@ ARRAY(
    SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END))
ORDER BY 1, 2, 3
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


def keyless_leaves(connection: Connection) -> dict[tuple[str, str], tuple[str, str]]:
    """Find tables with a partition whose replica identity lacks the table's key, by schema and name.

    Once published, its rows could not be updated or deleted, or not be told apart. Gives what is wrong, and the SQL
    that mends it.
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for schema, name, leaf, key, index in connection.execute(IDENTITIES):
        assert isinstance(key, list)
        identity = f"USING INDEX {index}" if index else "FULL"
        said = f"has a partition, {leaf}, whose replica identity lacks the key ({', '.join(key)})"
        found.setdefault((str(schema), str(name)), (said, f"ALTER TABLE {leaf} REPLICA IDENTITY {identity};"))
    return found


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
