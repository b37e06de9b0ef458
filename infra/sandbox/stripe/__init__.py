"""Answers as Stripe's REST API."""
