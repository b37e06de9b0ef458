"""What a table is in the source beside its columns: where that changed, bronze may lack what no message told of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import sql

from pipelines.postgres.api import Connection
from pipelines.postgres.tables import SourceTable

Definition = Mapping[str, Any]
"""A table's number (``table``), its ``columns`` as one hash, whether published ones are ``generated``, and more.

``heaps`` holds the file of each relation with its rows, another one after every rewrite (pg_class.relfilenode), and
``publication`` what the publication's rows in the catalogue are, each under a name of its own.
"""

OTHER = "another table has its name now"
# The column ctid's row is written when a relation is made and never again, that in pg_inherits when it is attached.
DEFINITIONS = """
WITH publication AS (
  SELECT p.oid, p.xmin, coalesce(to_jsonb(p) ->> 'pubgencols', 'n') = 's' AS generated
  FROM pg_publication p WHERE p.pubname = %(publication)s)
SELECT n.nspname::text, c.relname::text, c.oid::int8,
  (SELECT md5(string_agg(concat_ws(' ', a.attnum, a.atttypid, a.atttypmod, a.attname), ',' ORDER BY a.attnum))
   FROM pg_attribute a
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND (a.attgenerated = '' OR (SELECT generated FROM publication))),
  EXISTS (SELECT FROM pg_attribute a, publication p
          WHERE a.attrelid = c.oid AND a.attgenerated <> '' AND NOT a.attisdropped AND p.generated),
  (SELECT json_object_agg(h.relid::int8, pg_relation_filenode(h.relid)) FROM (
     SELECT c.oid AS relid WHERE c.relkind <> 'p'
     UNION SELECT t.relid FROM pg_partition_tree(c.oid) t WHERE t.isleaf) h),
  (SELECT json_object_agg(said.name, said.value) FROM (
     SELECT 'itself' AS name, format('%%s/%%s', oid, xmin) AS value FROM publication
     UNION ALL
     SELECT format('table %%s', r.prrelid::oid), r.oid::text FROM pg_publication_rel r, publication
     WHERE r.prpubid = publication.oid
       AND (r.prrelid = c.oid OR r.prrelid IN (SELECT relid FROM pg_partition_tree(c.oid)))
     UNION ALL
     SELECT format('schema %%s', s.pnnspid), s.oid::text FROM pg_publication_namespace s, publication
     WHERE s.pnpubid = publication.oid AND s.pnnspid = c.relnamespace) said)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname, c.relname) IN (SELECT * FROM unnest(%(schemas)s::text[], %(names)s::text[]))
"""
ATTACHED = """
SELECT n.nspname::text, c.relname::text, made.xmin::text,
       EXISTS (SELECT FROM pg_partition_ancestors(c.oid) p JOIN pg_inherits i ON i.inhrelid = p.relid
               WHERE age(i.xmin) < age(made.xmin)),
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute made ON made.attrelid = c.oid AND made.attname = 'ctid'
WHERE c.oid = %s AND c.relkind = 'r'
"""


def read_definitions(
    connection: Connection, publication: str, tables: Iterable[SourceTable]
) -> dict[tuple[str, str], Definition]:
    """Read the definitions of tables in a publication, by schema and name; those that aren't there are left out."""
    names = [(table.schema, table.name) for table in tables]
    given = {"publication": publication, "schemas": [one for one, _ in names], "names": [one for _, one in names]}
    return {
        (str(schema), str(name)): {
            "table": oid,
            "columns": columns,
            "generated": generated,
            "heaps": heaps or {},
            "publication": said or {},
        }
        for schema, name, oid, columns, generated, heaps, said in connection.execute(DEFINITIONS, given)
    }


def read_definition(connection: Connection, publication: str, table: SourceTable) -> Definition:
    """Read the definition of one table; it is empty when there is no such table."""
    return read_definitions(connection, publication, [table]).get((table.schema, table.name), {})


def why_other(before: Definition, now: Definition | None) -> str:
    """Say why changes since ``before`` may not be those of the table that is there ``now``; empty when they are.

    Postgres tells of neither: another table under the name, a publication that was another one for a while.
    """
    if not before or not now:
        return ""
    if before["table"] != now["table"]:
        return OTHER
    said = now["publication"]
    # What is missing was taken out, which stops the table (continuity.check_continuity).
    if any(said.get(name, value) != value for name, value in before["publication"].items()):
        return "what the publication says of it was changed"
    return ""


def later(before: Definition, now: Definition) -> Definition:
    """Give the definition to go on with, which still knows what was taken out of the publication."""
    return {**now, "publication": {**before.get("publication", {}), **now["publication"]}}


def why_moved(connection: Connection, before: Definition, now: Definition) -> str:
    """Say why rows may have come or gone, or hold other values, of which no change tells; empty when they don't.

    They were rewritten together with a change of columns, or came or went with a partition.
    """
    if not before:
        return ""
    old, new = before["heaps"], now["heaps"]
    rewritten = [relid for relid in old if relid in new and old[relid] != new[relid]]
    if rewritten and (now["generated"] or before["columns"] != now["columns"]):
        return "its rows were rewritten with other columns"
    if {*old, *new} == {str(now["table"])}:
        return ""
    if rewritten:
        return "a partition was emptied or rewritten"
    if old.keys() - new.keys():
        return "a partition was dropped or detached"
    if any(_came_filled(connection, int(relid)) for relid in new.keys() - old.keys()):
        return "a partition was attached"
    return ""


def _came_filled(connection: Connection, relid: int) -> bool:
    """Tell whether a partition may have had rows before it became one."""
    row = connection.execute(ATTACHED, (relid,)).fetchone()
    if row is None:
        return False
    schema, name, made, attached_later, may_look = row
    if not may_look:
        return bool(attached_later)
    heap = sql.Identifier(str(schema), str(name))
    # One that was made, filled and attached in a single transaction has rows of it at its beginning.
    where = sql.SQL("true" if attached_later else "ctid < '(1,0)' AND xmin::text = {}").format(sql.Literal(str(made)))
    query = sql.SQL("SELECT EXISTS (SELECT FROM ONLY {} WHERE {})").format(heap, where)
    return bool(connection.execute(query).fetchone() == (True,))


def key_changed(before: Sequence[str], now: Sequence[str]) -> str:
    """Say that a table's key is another than the one that bronze was followed by; empty when it isn't."""
    if not before or tuple(before) == tuple(now):
        return ""
    return f"its key was ({', '.join(before)}) and is ({', '.join(now)})"
