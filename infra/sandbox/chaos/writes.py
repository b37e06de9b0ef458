"""Writes on demand: orders that are placed and changed at once, between two requests."""

from collections.abc import Sequence

from infra.sandbox.selling.demand import next_sales
from infra.sandbox.selling.sales import Fate, Sale
from infra.sandbox.selling.webhooks import Webhook, of_account, of_changed, of_placed
from infra.sandbox.shop import Shop

_FATES = (Fate.REFUNDED, Fate.CANCELLED, Fate.PARTLY_REFUNDED)


def write(shop: Shop, orders: int, changes: int) -> list[Webhook]:
    """Let ``changes`` orders that wait for it meet their fate, then place ``orders``, all at one second.

    Every other order placed here waits for a fate. Gives the webhooks about all that.
    """
    with shop.sales.lock:
        heard = len(shop.sales.account.events)
        waiting = [sale.number for sale in shop.sales.pending()[:changes]]
        made = max((shop.created_at(number) for number in waiting), default=0)
        changed = shop.sales.change(waiting, max(_now(shop), made + 1)) if waiting else []
        placed = [_fated(sale) for sale in next_sales(shop, orders, _now(shop))] if orders else []
        shop.sales.place(placed)
        return [*of_placed(shop, placed), *of_changed(shop, changed), *of_account(shop, heard)]


def _now(shop: Shop) -> int:
    """Give the shop's time, which never falls."""
    events = shop.sales.account.events
    return max(int(shop.now()), events[-1].created if events else 0)


def _fated(sale: Sale) -> Sale:
    fate = _FATES[sale.number // 2 % len(_FATES)] if sale.number % 2 == 0 else Fate.KEPT
    return sale._replace(fate=Fate.REFUNDED if fate is Fate.PARTLY_REFUNDED and sale.units < 2 else fate)


def described(webhooks: Sequence[Webhook]) -> list[dict[str, object]]:
    """Give webhooks as JSON: path, topic, headers, body, and the seconds that each waits."""
    return [
        {"path": one.path, "topic": one.topic, "headers": one.headers(), "body": one.body.decode(), "delay": one.delay}
        for one in webhooks
    ]
