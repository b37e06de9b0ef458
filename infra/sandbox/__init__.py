"""A simulated shop: answers as Shopify and as Stripe, and fills a Postgres database."""
