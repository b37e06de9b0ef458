"""How it is asked: the metrics API, webhooks and reports."""
