"""What must hold in the source before it can be followed, checked first and said in one sentence."""

from lake.errors import CredentialsError, SourceError
from pipelines.postgres.api import Connection, fetch_one

# Column lists and row filters of publications came with 15; managed services give the right to replicate
# by membership in a role of their own (rds_replication).
OLDEST = 150000
ROLE = """
SELECT current_user::text, r.rolreplication OR r.rolsuper OR EXISTS (
    SELECT FROM pg_roles m WHERE m.rolname = 'rds_replication' AND pg_has_role(r.oid, m.oid, 'member'))
FROM pg_roles r WHERE r.rolname = current_user
"""


def check_server(connection: Connection) -> None:
    """Check version, role and ``wal_level``.

    Raises SourceError or CredentialsError with the SQL line that mends it.
    """
    version = connection.info.server_version
    if version < OLDEST:
        raise SourceError(f"The Postgres server is version {version // 10000}; Boathouse follows version 15 or later.")
    level = fetch_one(connection, "SELECT current_setting('wal_level')")[0]
    if level != "logical":
        raise SourceError(
            f"Postgres runs with wal_level = {level} and can't tell its changes; run "
            "ALTER SYSTEM SET wal_level = 'logical'; in the database and restart the server."
        )
    role, may_replicate = fetch_one(connection, ROLE)
    if not may_replicate:
        raise CredentialsError(
            f"The Postgres role {role} may not replicate; run as an administrator: ALTER ROLE {role} WITH REPLICATION;"
        )
