"""Answers as Shopify's Admin GraphQL API."""
