"""The words that names, places and titles are put together from, out of words.json."""

import json
from pathlib import Path
from typing import Any

_WORDS: dict[str, list[Any]] = json.loads((Path(__file__).parent / "words.json").read_text())

FIRST_NAMES: list[str] = _WORDS["first_names"]
LAST_NAMES: list[str] = _WORDS["last_names"]
STREETS: list[str] = _WORDS["streets"]
STREET_KINDS: list[str] = _WORDS["street_kinds"]
CITIES: list[tuple[str, str, str, str]] = [tuple(city) for city in _WORDS["cities"]]
"""City, state, the state's code, and the first three digits of its postal codes."""
TITLE_FIRST: list[str] = _WORDS["title_first"]
TITLE_SECOND: list[str] = _WORDS["title_second"]
GENRES: list[str] = _WORDS["genres"]
LABELS: list[str] = _WORDS["labels"]
CARDS: list[tuple[str, str]] = [(brand, last4) for brand, last4 in _WORDS["cards"]]
"""Brand and last four digits."""
