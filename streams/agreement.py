"""Whether the live windows and the batch agree: the same minutes, recounted from the lake."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from lake.live.windows import COUNT, REFUNDED, LiveWindows, Values, Window
from lake.pins import Pin
from lake.readers import connect, scan
from lake.settings import Settings
from streams.currencies import exponent_of

# The same columns, by the same moment, as the live lane's sums.
ORDERS = """
SELECT date_trunc('minute', processed_at) AS minute, currency,
       count(*) AS orders, sum(units) AS units, sum(gross_amount) AS gross_amount, sum(net_amount) AS net_amount
FROM {orders}
WHERE processed_at >= ?
GROUP BY ALL
"""

# Refunds have no table in gold; of a refund's versions the last counts, as silver has it.
REFUNDS = """
WITH latest AS (
    SELECT payload FROM {refunds}
    QUALIFY row_number() OVER (
        PARTITION BY id
        ORDER BY version DESC, _op = 'delete' DESC, _lane = 'webhook', _received_at DESC, _load_id DESC
    ) = 1 AND _op <> 'delete'
), refunds AS (
    SELECT make_timestamp((payload ->> '$.created')::BIGINT * 1000000) AS refunded_at,
           upper(payload ->> '$.currency') AS currency, (payload ->> '$.amount')::DECIMAL(18, 0) AS amount
    FROM latest
    WHERE payload ->> '$.status' = 'succeeded'
)
SELECT date_trunc('minute', refunded_at) AS minute, currency, sum(amount) AS amount
FROM refunds
WHERE refunded_at >= ?
GROUP BY ALL
"""

Place = tuple[datetime, str]


class Agreement(NamedTuple):
    """How many closed windows there are and the names of those that the batch counts otherwise."""

    closed: int
    differing: list[str]

    @property
    def agreeing(self) -> int:
        """Give the number of closed windows that the batch agrees with."""
        return self.closed - len(self.differing)


def compare(settings: Settings, orders: Pin, refunds: Pin | None, start: datetime) -> Agreement:
    """Compare the closed windows since ``start`` with gold.fact_orders and bronze.stripe_refunds as pinned.

    A window that only the batch has counts as closed and differing. Raises ServiceError without Redis.
    """
    live = LiveWindows(settings)
    flow = live.flow()
    counted = recount(settings, orders, refunds, start)
    windows = {(window.minute, window.currency): window for window in live.since(start)}
    places = {place for place in {*counted, *windows} if flow is not None and flow.closes(place[0])}
    differing = [
        f"{minute:%Y-%m-%dT%H:%MZ} {currency}"
        for minute, currency in sorted(places)
        if _sums(windows.get((minute, currency))) != counted.get((minute, currency), {})
    ]
    return Agreement(len(places), differing)


def recount(settings: Settings, orders: Pin, refunds: Pin | None, start: datetime) -> dict[Place, Values]:
    """Count every minute since ``start`` from the lake: (minute in UTC, currency) to what isn't nothing."""
    since = start.astimezone(UTC).replace(tzinfo=None)
    counted: dict[Place, Values] = {}
    with connect(settings) as connection:
        for minute, currency, *sums in connection.execute(ORDERS.format(orders=scan(orders)), [since]).fetchall():
            names = (COUNT, "units", "gross_amount", "net_amount")
            place = counted.setdefault((minute.replace(tzinfo=UTC), currency), {})
            place |= {name: Decimal(value) for name, value in zip(names, sums, strict=True) if value}
        if refunds is not None:
            rows = connection.execute(REFUNDS.format(refunds=scan(refunds)), [since]).fetchall()
            for minute, currency, amount in rows:
                place = counted.setdefault((minute.replace(tzinfo=UTC), currency), {})
                place[REFUNDED] = Decimal(amount).scaleb(-exponent_of(currency))
    return {place: values for place, values in counted.items() if values}


def _sums(window: Window | None) -> Values:
    return {name: value for name, value in (window.values if window else {}).items() if value}
