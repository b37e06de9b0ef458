"""Whoever changes the source: transactions at fixed times, however long the ones before took.

Each is 40 rows that come and 10 that change. What is late is done at once, so that the load never waits for whoever
reads it.
"""

import json
import sys
import time

import psycopg

INSERTS, UPDATES = 40, 10
CHANGES = INSERTS + UPDATES
HELD = 10_000
"""Rows that are there before, which the updates go round."""
ROWS = """
INSERT INTO changes SELECT n, n %% 10007, 'sku-' || n %% 997, n %% 9, (n %% 100000)::numeric / 100,
    CASE WHEN n %% 3 = 0 THEN 'left at the door of the neighbour, number ' || n END, n %% 5 = 0,
    '2024-01-01'::timestamptz + n * interval '1 second'
FROM generate_series(%s::bigint, %s::bigint) n
"""
AGAIN = "UPDATE changes SET quantity = quantity + 1 WHERE id BETWEEN %s AND %s"


def main() -> None:
    """Change the source, and say by how many seconds a transaction began too late at most."""
    told = json.loads(sys.stdin.read())
    late, pause = 0.0, CHANGES / told["rate"]
    with psycopg.connect(told["dsn"], autocommit=True) as connection:
        began = time.monotonic()
        for number in range(told["rows"] // CHANGES):
            due = began + number * pause
            time.sleep(max(0.0, due - time.monotonic()))
            late = max(late, time.monotonic() - due)
            first, again = HELD + number * INSERTS, number * UPDATES % HELD
            with connection.transaction():
                connection.execute(ROWS, (first, first + INSERTS - 1))
                connection.execute(AGAIN, (again, again + UPDATES - 1))
    print(json.dumps({"late": late}))


if __name__ == "__main__":
    main()
