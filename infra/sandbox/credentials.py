"""What a client must know to be let in by the sandbox shop; none of it opens anything else."""

SHOP = "boathouse-sandbox"
SHOP_DOMAIN = f"{SHOP}.myshopify.com"
SHOPIFY_CLIENT_ID = "5a4db0c5a4db0c5a4db0c5a4db0c5a4d"
SHOPIFY_CLIENT_SECRET = "shpss_sandbox0sandbox0sandbox0sandbox"  # noqa: S105
SHOPIFY_ACCESS_TOKEN = "shpat_sandbox0sandbox0sandbox0sandbox"  # noqa: S105
STRIPE_API_KEY = "sk_test_sandboxBoathouse"
STRIPE_WEBHOOK_SECRET = "whsec_sandboxBoathouse"  # noqa: S105
