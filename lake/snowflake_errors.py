"""What Snowflake and its connector say when something is wrong, as one sentence each."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from lake.errors import BoathouseError, CredentialsError, ServiceError, SettingError


class LostConnectionError(ServiceError):
    """Snowflake doesn't answer: nothing more is to be had of this connection."""


PAGE = "see docs/snowflake.md"
CODES = re.compile(r"^(?:[\d ]*\d{6}(?: \(\w+\))?: )+(?:[0-9a-f-]{36}: )?")
# What the code or the words of an error stand for, in the order in which they are tried:
# https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting and the connector's errorcode.py.
MEANINGS: tuple[tuple[str, type[BoathouseError], str], ...] = (
    (
        r"390100|incorrect username or password|390422|390102",
        CredentialsError,
        "Snowflake refused the user or the password; check BOATHOUSE_SNOWFLAKE_USER and BOATHOUSE_SNOWFLAKE_PASSWORD.",
    ),
    (
        r"jwt token|390144|394300|394302|394303|394304",
        CredentialsError,
        "Snowflake doesn't know the private key of this user; check BOATHOUSE_SNOWFLAKE_USER and "
        "BOATHOUSE_SNOWFLAKE_PRIVATE_KEY_PATH, and that the user's RSA_PUBLIC_KEY is the key's.",
    ),
    (
        r"390189|390186|role '.*' specified in the connect string|390317",
        SettingError,
        "Snowflake hasn't granted this user the role that BOATHOUSE_SNOWFLAKE_ROLE names; grant it, or name another.",
    ),
    (
        r"000606|no active warehouse|000610|390201.*warehouse",
        SettingError,
        "Snowflake has no warehouse for this session; check BOATHOUSE_SNOWFLAKE_WAREHOUSE and the role's USAGE on it.",
    ),
    (
        r"390201|account .* does not exist|404 not found|290404|290403|403 forbidden|must be specified|251001",
        SettingError,
        "Snowflake knows no account of this name; check BOATHOUSE_SNOWFLAKE_ACCOUNT, as in <organisation>-<account>.",
    ),
    (
        r"25000[1-9]|25100[23]|08001|08003|390111|390112|390114|390104|000604|000605"
        r"|connection (was )?(closed|aborted|reset|refused)|could not connect|max retries|timed? ?out|remote end",
        LostConnectionError,
        "Snowflake doesn't answer, or the connection was lost; run again when it can be reached, and it goes on where "
        "it stopped.",
    ),
    (
        r"002003|002043|003001|does not exist or not authorized|insufficient privileges",
        ServiceError,
        f"Snowflake lacks something the models need, or this role may not use it ({{why}}); {PAGE} for the grants.",
    ),
)


def sentence(error: BaseException) -> BoathouseError | None:
    """Say in one sentence what an error of Snowflake's connector means; None for any other error."""
    if not type(error).__module__.startswith(("snowflake.connector", "snowflake.snowpark")):
        return None
    said = f"{getattr(error, 'errno', '')} {error}"
    why = _first_line(str(error))
    for pattern, kind, words in MEANINGS:
        if re.search(rf"\b(?:{pattern})\b", said, re.IGNORECASE):
            return kind(words.format(why=why))
    return ServiceError(f"Snowflake can't do what a model asks: {why}; {PAGE}.")


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the connector raises inside the block, however deep, into one sentence."""
    try:
        yield
    except BoathouseError:
        raise
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            if known := sentence(cause):
                raise known from None
            cause = cause.__cause__ or cause.__context__
        raise


def _first_line(said: str) -> str:
    """Give the first line of what was said that says something, without the codes before it."""
    lines = [CODES.sub("", line.strip()) for line in said.splitlines()]
    told = [line for line in lines if line and line != "SQL compilation error:"]
    return (told or ["it didn't say why"])[0].rstrip(".:;")[:300]
