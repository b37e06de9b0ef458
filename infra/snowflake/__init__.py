"""Snowflake: what an account needs (SQL), and a stand-in for one on this machine."""

from infra.snowflake.standin import standing_in

__all__ = ["standing_in"]
