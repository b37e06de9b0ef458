"""Examples of values that tell their form and nothing of a person."""

import re

LONGEST = 40
WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,39}")


def masked(text: str) -> str:
    """Give a text's form: letters as x, digits as 9, at most 40 characters: ``ann@b.org`` is ``xxx@x.xxx``."""
    form = "".join("9" if char.isdigit() else "x" if char.isalpha() else char for char in text[:LONGEST])
    return form + ("…" if len(text) > LONGEST else "")


def word_or_mask(text: str) -> str:
    """Give a value of a field that holds one of a few words as it is, anything else masked."""
    return text if WORD.fullmatch(text) else masked(text)
