"""A shop that goes on selling: orders dated now, what becomes of them, and the webhooks that tell."""
