"""What a contestant left in its warehouse: the order lines, and one hash of its facts that no order changes."""

from pathlib import Path

import duckdb

FACTS = ("gold.fact_orders", "gold.fact_payments", "silver.stg_shopify_order_lines")
HASHES = " + ".join(f"(SELECT sum(hash(facts)::HUGEINT) FROM {table} AS facts)" for table in FACTS)
LEFT = f"SELECT (SELECT COUNT(*) FROM silver.stg_shopify_order_lines), ({HASHES})::VARCHAR"


def left_in(file: Path) -> tuple[int, str]:
    """Count the order lines of a warehouse, and hash every row of the facts."""
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.execute(LEFT).fetchone()
    assert found is not None
    return int(found[0]), str(found[1])
