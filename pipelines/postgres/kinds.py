"""What the types of a source are: what a domain stands on, how a value becomes text, what the type is called."""

from collections.abc import Iterable
from typing import NamedTuple

from pipelines.postgres.api import Connection
from pipelines.postgres.columns import Column

# A domain's modifier stands at one of the levels it is built of.
KINDS = """
WITH RECURSIVE level AS (
  SELECT oid AS asked, oid, typtype, typbasetype, typtypmod, typoutput, 0 AS depth FROM pg_type WHERE oid = ANY (%s)
  UNION ALL
  SELECT l.asked, b.oid, b.typtype, b.typbasetype, greatest(l.typtypmod, b.typtypmod), b.typoutput, l.depth + 1
  FROM level l JOIN pg_type b ON b.oid = l.typbasetype WHERE l.typtype = 'd'
)
SELECT l.asked::int8, l.oid::int8, l.typtypmod, format_type(l.asked, NULL), format('%%I.%%I', n.nspname, p.proname),
       CASE WHEN l.asked = l.oid THEN '' ELSE '::' || format_type(l.oid, -1) END
FROM level l JOIN pg_proc p ON p.oid = l.typoutput JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE l.typtype <> 'd'
"""


class Kind(NamedTuple):
    """A type: the oid and modifier of what it stands on (itself, if it is no domain), its name, its output function.

    ``cast`` takes a domain to what it stands on, without a modifier; it is empty for another type.
    """

    oid: int
    typmod: int
    name: str
    output: str
    cast: str = ""


class Kinds:
    """The types of one source, asked for once each."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._known: dict[int, Kind] = {}

    def learn(self, oids: Iterable[int]) -> None:
        """Ask for the types that aren't known yet, all at once."""
        if missing := sorted(set(oids) - self._known.keys()):
            for asked, oid, typmod, name, output, cast in self.connection.execute(KINDS, (missing,)):
                self._known[int(str(asked))] = Kind(int(str(oid)), int(str(typmod)), str(name), str(output), str(cast))

    def column(self, name: str, oid: int, typmod: int) -> Column:
        """Describe a column of the type ``oid`` (pg_type) with the modifier ``typmod`` (pg_attribute).

        A type that the source no longer has is taken for what it was sent as: text.
        """
        self.learn([oid])
        kind = self._known.get(oid, Kind(oid, -1, f"type {oid}", "pg_catalog.textout"))
        return Column(name, kind.oid, max(typmod, kind.typmod), kind.name, kind.output, kind.cast)
