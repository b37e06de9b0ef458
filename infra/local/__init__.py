"""Embedded services: SeaweedFS, Postgres and Valkey on loopback, run for as long as someone uses them."""

from infra.local.lifetime import running
from infra.local.standing import Status, admin_dsn, check_alive, remove_all, status, stop_all

__all__ = ["Status", "admin_dsn", "check_alive", "remove_all", "running", "status", "stop_all"]
