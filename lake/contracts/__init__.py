"""Contracts: what must hold of the rows that enter bronze, and of the rows that leave gold."""

from lake.contracts.bronze import check_bronze
from lake.contracts.gold import check_gold, gold_contract
from lake.contracts.rules import Contract, check_rows

__all__ = ["Contract", "check_bronze", "check_gold", "check_rows", "gold_contract"]
