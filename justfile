# Boathouse, in the order in which data flows. `just` lists what there is.

set positional-arguments

_default:
    @uv run just --list --unsorted

# Take everything the sources have to a release, and show its numbers; --full builds every model anew
run *options:
    @uv run boathouse run "$@"

# Keep everything running in the foreground: pull at an interval, serve the API and the reports
up:
    @uv run boathouse up

# Sell in the sandbox shop for a minute, watch the live numbers, and hold them against the batch
live *options:
    @uv run boathouse live "$@"

# Run the live flow alone, for services of your own: `just up` has it too
stream:
    @uv run python -m streams

# Show what applying the models' files to an environment would do: just plan dev
plan environment='dev' *options:
    @uv run boathouse plan "$@"

# Build what an environment lacks, audit it, and point its views there
apply environment='dev' *options:
    @uv run boathouse apply "$@"

# Compare an environment's tables with production's: columns and rows
diff environment='dev' *options:
    @uv run boathouse diff "$@"

# Point production's views at an environment's tables; nothing is built
promote environment='dev' *options:
    @uv run boathouse promote "$@"

# Plan and build an environment, and show how it differs from production: just review pr-123 --format markdown
review environment='dev' *options:
    @uv run boathouse review "$@"

# Build every model on a stand-in for Snowflake, and compare each column with DuckDB's
snowflake:
    @uv run --extra snowflake boathouse snowflake

# Print the ledger of what the sources said beside what landed
prove *options:
    @uv run boathouse prove "$@"

# Ask the current release a question in SQL: just query "select count(*) from gold.fact_orders"
query question *options:
    @uv run boathouse query "$@"

# Show which embedded services run
status:
    @uv run boathouse status

# Stop every embedded service and remove all local state
clean:
    @uv run boathouse clean

# Measure beside the peers: just bench api_load, or all
bench *options:
    @uv run python -m bench "$@"

# Kill for long, at every named place, a short form of which is among the tests: just chaos cdc, just chaos transforms
chaos name *options:
    @uv run python -m tests.chaos "$@"

# Try seeded defects in the models on their unit tests and audits, in all models or in those named
mutate *models:
    @uv run python -m tests.mutation "$@"

# Check style, types, the SQL's format and the house rules
check: _style
    uv run mypy
    uv run sqlmesh -p sqlmesh format --check
    uv run pytest -q tests/test_house.py tests/test_docs.py

# Run every test, among them all that `just check` checks
test: _style
    uv run pytest -q -n 3 --dist loadfile --no-loadscope-reorder

_style:
    uv run ruff check .
    uv run ruff format --check .
