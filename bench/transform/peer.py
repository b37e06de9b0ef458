"""dbt as a contestant, in an environment of its own: the same SQL as dbt-duckdb runs it.

``tables`` is dbt's usual way. ``incremental`` makes every model of documents incremental by what was received since,
deleted and inserted by its key, which suffices for this benchmark's news.
"""

import json
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

PROFILE = """\
bench:
  target: dev
  outputs:
    dev: {{type: duckdb, path: '{file}', threads: 2, settings: {{TimeZone: UTC}}}}
"""
PROJECT = """\
name: bench
profile: bench
version: '1.0'
model-paths: [models]
macro-paths: [macros]
flags: {{send_anonymous_usage_stats: false}}
on-run-start: {start}
"""
SCHEMAS = "{% macro generate_schema_name(custom, node) %}{{ custom or target.schema }}{% endmacro %}"


def write_project(folder: Path, told: dict[str, Any]) -> None:
    """Write the dbt project: a file a model, its dependencies named, its SQL as it is."""
    for name in ("models", "macros"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "profiles.yml").write_text(PROFILE.format(file=told["file"]))
    (folder / "dbt_project.yml").write_text(PROJECT.format(start=json.dumps(told["start"])))
    (folder / "macros" / "schemas.sql").write_text(SCHEMAS)
    for model in told["models"]:
        schema, name = model["model"].split(".")
        refs = [f"-- depends_on: {{{{ ref('{one.split('.')[1]}') }}}}" for one in model["reads"] if "bronze" not in one]
        text = f"{{{{ config(schema='{schema}', {_kind(model, told['way'])}) }}}}"
        sql = "{% raw %}" + model["query"] + "{% endraw %}"
        if told["way"] == "incremental":
            sql = _since(sql, told["since"])
        (folder / "models" / f"{name}.sql").write_text("\n".join([text, *refs, sql]))


def _kind(model: dict[str, Any], way: str) -> str:
    if way == "tables" or not model["key"] or not any("bronze" in one for one in model["reads"]):
        return "materialized='table'"
    return f"materialized='incremental', incremental_strategy='delete+insert', unique_key={model['key']}"


def _since(sql: str, since: str) -> str:
    """Have a model of documents read, once it is there, what was received since."""
    before, mark, after = sql.partition('FROM "lake"."bronze".')
    if not mark:
        return sql
    table, _, rest = after.partition(" AS ")
    news = f"(SELECT * FROM lake.bronze.{table} WHERE _received_at >= TIMESTAMPTZ '{since}')"
    whole = f'"lake"."bronze".{table}'
    chosen = f"{{% endraw %}}{{% if is_incremental() %}}{news}{{% else %}}{whole}{{% endif %}}{{% raw %}}"
    return f"{before}FROM {chosen} AS {rest}"


def main() -> None:
    """Run dbt, and say what was done."""
    told = json.loads(sys.stdin.read())
    folder = Path(told["folder"])
    write_project(folder, told)
    command = ["dbt", "--quiet", "run", "--project-dir", str(folder), "--profiles-dir", str(folder), *told["select"]]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(" ".join((done.stdout + done.stderr).split())[-800:])
    with duckdb.connect(told["file"], read_only=True) as connection:
        found = connection.execute(told["left"]).fetchone()
    assert found is not None
    said = {
        "seconds": seconds,
        "rows": found[0],
        "checksum": found[1],
        "version": f"dbt-duckdb {version('dbt-duckdb')}",
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
