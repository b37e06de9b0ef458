"""The stand-in's process: fakesnow's server, corrected where Snowflake answers otherwise.

It runs in an environment of its own (standin.txt), so it imports nothing of ours:
``python standin_server.py --port 9000 --user … --role … --warehouse …``, the password on standard input.
"""

import argparse
import gzip
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable
from typing import Any

import fakesnow.arrow
import fakesnow.cursor
import fakesnow.info_schema
import fakesnow.server
import fakesnow.transforms
import pyarrow as pa
import uvicorn
from sqlglot import exp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

# Snowflake takes USE <name> for a database; fakesnow takes it for a schema.
BARE_USE = re.compile(r'^\s*USE\s+("[^"]+"|[\w$]+)\s*;?\s*$', re.IGNORECASE)
# In fakesnow a temporary table can't have a database.
TEMPORARY = re.compile(r"^(\s*(?:/\*.*?\*/\s*)?CREATE\s+(?:OR\s+REPLACE\s+)?)TEMP(?:ORARY)?\s+TABLE", re.IGNORECASE)
# In fakesnow the columns of a view have no comments.
VIEW_COMMENT = re.compile(r"^\s*(?:/\*.*?\*/\s*)?ALTER\s+VIEW\s+\S+\s+ALTER\s+COLUMN\s+\S+\s+COMMENT\b", re.IGNORECASE)
WAREHOUSE_FUNCTION = re.compile(r"\bCURRENT_WAREHOUSE\(\)", re.IGNORECASE)


SENT = fakesnow.arrow.timestamp_to_sf_struct


def corrected(sql: str, warehouse: str) -> str:
    """Give a statement as fakesnow understands it, where it differs from Snowflake."""
    if found := BARE_USE.match(sql):
        return f"USE DATABASE {found[1]}"
    if VIEW_COMMENT.match(sql):
        return "SELECT 'Statement executed successfully.' AS status"
    return WAREHOUSE_FUNCTION.sub(f"'{warehouse}'", TEMPORARY.sub(r"\1TABLE", sql))


def refusal(body: dict[str, Any], query: dict[str, str], let_in: argparse.Namespace) -> tuple[str, str] | None:
    """Say with Snowflake's code and words why a login is refused; nothing when it isn't."""
    data = body["data"]
    if data.get("ACCOUNT_NAME", "").upper() != let_in.account.upper():
        return "390201", f"The requested account '{data.get('ACCOUNT_NAME')}' does not exist."
    if "TOKEN" in data:
        return "390144", "JWT token is invalid. [00000000-0000-0000-0000-000000000000]"
    if data.get("LOGIN_NAME", "").upper() != let_in.user.upper() or data.get("PASSWORD") != let_in.password:
        return "390100", "Incorrect username or password was specified."
    role = query.get("roleName")
    if role and role.upper() != let_in.role.upper():
        return "390189", (
            f"Role '{role.upper()}' specified in the connect string is not granted to this user. Contact your local "
            "system administrator, or attempt to login with another role, e.g. PUBLIC."
        )
    return None


def application(let_in: argparse.Namespace) -> Starlette:
    """Make fakesnow's application with a login that looks at whom it lets in."""
    without_warehouse: set[str] = set()

    async def login(request: Request) -> JSONResponse:
        raw = await request.body()
        plain = gzip.decompress(raw) if request.headers.get("Content-Encoding") == "gzip" else raw
        query = dict(request.query_params)
        refused = refusal(json.loads(plain), query, let_in)
        if refused:
            code, message = refused
            return JSONResponse({"data": None, "code": code, "message": message, "success": False})
        answer = await fakesnow.server.login_request(request)
        token = json.loads(answer.body)["data"]["token"]
        if database := query.get("databaseName"):  # Snowflake begins in the schema PUBLIC.
            cursor = fakesnow.server.sessions[token].cursor()
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {database}.PUBLIC")
            cursor.execute(f"USE SCHEMA {database}.PUBLIC")
        named = query.get("warehouse")
        if named and named.upper() != let_in.warehouse.upper():
            without_warehouse.add(token)
        return answer

    async def question(request: Request) -> JSONResponse:
        if request.headers.get("Authorization", "")[17:-1] in without_warehouse:
            message = (
                "No active warehouse selected in the current session.  Select an active warehouse with the "
                "'use warehouse' command.\n"
            )
            data = {"errorCode": "000606", "sqlState": "57P03"}
            return JSONResponse({"data": data, "code": "000606", "message": message, "success": False})
        answer = await fakesnow.server.query_request(request)
        if answer.status_code == 500:  # The connector would ask again and again what fakesnow can't do.
            message = f"SQL execution internal error: fakesnow can't do {json.loads(answer.body)['message']}"
            data = {"errorCode": "000603", "sqlState": "XX000"}
            return JSONResponse({"data": data, "code": "000603", "message": message, "success": False})
        return answer

    mine = {"/session/v1/login-request": login, "/queries/v1/query-request": question}
    routes = [route for route in fakesnow.server.routes if route.path not in mine]
    routes += [Route(path, endpoint, methods=["POST"]) for path, endpoint in mine.items()]
    return Starlette(routes=routes)


def correct_statements(warehouse: str) -> None:
    """Have every statement corrected before fakesnow reads it, and its comments and quoted names read right."""

    def wrap(parse: Callable[[str], Any]) -> Callable[[str], Any]:
        return lambda sql: parse(corrected(sql, warehouse))

    fakesnow.cursor.parse_one = wrap(fakesnow.cursor.parse_one)
    fakesnow.server.parse_one = wrap(fakesnow.server.parse_one)
    comment_sql = fakesnow.info_schema.insert_table_comment_sql

    def quoted_comment_sql(catalog: str, schema: str, table: str, comment: str | None) -> str:
        return str(comment_sql(catalog, schema, table, (comment or "").replace("'", "''")))

    fakesnow.info_schema.insert_table_comment_sql = quoted_comment_sql
    identifier = fakesnow.transforms.identifier

    def split_identifier(expression: Any, params: Any) -> Any:
        table = identifier(expression, params)
        names = table.name.split('"."') if isinstance(table, exp.Table) else []
        parts = [exp.to_identifier(name, quoted=True) for name in names]
        if len(parts) < 2:
            return table
        named = dict(zip(("catalog", "db", "this")[-len(parts) :], parts, strict=True))
        return exp.Table(**named)

    fakesnow.transforms.identifier = split_identifier
    fakesnow.arrow.timestamp_to_sf_struct = timestamps


def timestamps(column: Any) -> Any:
    """Give timestamps as Snowflake sends them, where fakesnow makes 1970 of a NULL."""
    parts = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    there = SENT(parts.fill_null(pa.scalar(0).cast(parts.type)))
    return pa.StructArray.from_arrays(there.flatten(), fields=list(there.type), mask=parts.is_null())


def end_with_the_starter() -> None:
    """Wait until standard input ends, which it does when the starter dies, and end this process."""
    sys.stdin.read()
    print("The starter of this server is gone.", file=sys.stderr, flush=True)
    os._exit(0)


def main() -> None:
    """Read whom to let in, and serve on loopback until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    for name in ("account", "user", "role", "warehouse"):
        parser.add_argument(f"--{name}", required=True)
    let_in = parser.parse_args()
    let_in.password = sys.stdin.readline().rstrip("\n")
    threading.Thread(target=end_with_the_starter, daemon=True).start()
    logging.basicConfig(level=logging.ERROR)
    correct_statements(let_in.warehouse)
    uvicorn.run(application(let_in), host="127.0.0.1", port=let_in.port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
