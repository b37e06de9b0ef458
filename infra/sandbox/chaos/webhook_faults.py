"""Webhooks that are lost, doubled, late, out of order or wrongly signed."""

from dataclasses import replace

from infra.sandbox.chaos.script import Fault
from infra.sandbox.chaos.strike import Memory
from infra.sandbox.selling.webhooks import SHOPIFY_PATH, Webhook

_APART = 0.02


def spoil(fault: Fault, memory: Memory, sent: list[Webhook]) -> list[Webhook]:
    """Give what goes out in place of these webhooks when this fault meets them.

    ``vendor`` and ``object`` (the topic or the event's type) say which; ``webhook_shuffled`` turns the order round.
    """
    if not fault.fault.startswith("webhook_"):
        return sent
    found: list[Webhook] = []
    for webhook in sent:
        found += _spoiled(fault, webhook) if _meets(fault, memory, webhook) else [webhook]
    if fault.fault == "webhook_shuffled":
        return [replace(one, delay=one.delay + _APART * place) for place, one in enumerate(reversed(found))]
    return found


def _meets(fault: Fault, memory: Memory, webhook: Webhook) -> bool:
    vendor = "shopify" if webhook.path == SHOPIFY_PATH else "stripe"
    if (fault.vendor and fault.vendor != vendor) or (fault.object and fault.object != webhook.topic):
        return False
    memory.met += 1
    if memory.met <= fault.skip or (fault.times and memory.struck >= fault.times):
        return False
    memory.struck += 1
    return True


def _spoiled(fault: Fault, webhook: Webhook) -> list[Webhook]:
    if fault.fault == "webhook_lost":
        return []
    if fault.fault == "webhook_doubled":
        return [webhook, webhook]
    if fault.fault == "webhook_late":
        return [replace(webhook, delay=webhook.delay + fault.seconds)]
    return [replace(webhook, forged=True)] if fault.fault == "webhook_forged" else [webhook]
