"""The kind of the models that are built by key: what they hold for a key follows from their inputs' rows for it."""

from typing import Any

from sqlmesh import CustomMaterialization


class IncrementalByKey(CustomMaterialization):  # type: ignore[misc]
    """Replaced whole, unless a transform knows which keys changed: then it writes those alone.

    ``key`` names the columns; ``follows`` says of an input which of its columns hold the key. A change in any
    other input changes every key.
    """

    NAME = "incremental_by_key"

    def insert(
        self,
        table_name: str,
        query_or_df: Any,
        model: Any,
        is_first_insert: bool,
        render_kwargs: dict[str, Any],
        **options: Any,
    ) -> None:
        """Replace the table by what the query gives."""
        self._replace_query_for_model(model, table_name, query_or_df, render_kwargs, **options)
