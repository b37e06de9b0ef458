"""A question to the current release, answered on the terminal."""

import sys

from boathouse.workplace import open_lake
from lake.formats import render
from lake.questions import query
from lake.settings import Settings


def ask(settings: Settings, question: str, form: str) -> None:
    """Print the answer as a table, JSON or CSV. Raises QueryError, UnknownNameError or ReleaseError."""
    with open_lake(settings) as live:
        answer = query(live, question)
        sys.stdout.write(render(answer.columns, answer.rows, form))
