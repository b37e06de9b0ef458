"""The last lines of a run: the numbers, read back through the HTTP API as any client would."""

from dataclasses import dataclass

import httpx

from lake.errors import ServiceError


@dataclass(frozen=True)
class Headline:
    """The shop's numbers as the API serves them, with the release they come from."""

    release: str
    orders: int
    customers: int
    net_revenue: str
    currency: str
    reconciled: int
    chargeable: int

    def __str__(self) -> str:
        """Write the line that a run ends with."""
        return (
            f"orders {self.orders} · customers {self.customers} · net revenue {self.net_revenue} {self.currency}"
            f" · reconciled {self.reconciled}/{self.chargeable}"
        )


def read_headline(address: str) -> Headline:
    """Ask the API at ``address`` for the headline's metrics, without a grain.

    Raises ServiceError when the API doesn't answer as documented.
    """
    names = ("orders", "customers", "net_revenue", "reconciled_orders", "chargeable_orders")
    try:
        with httpx.Client(base_url=address, timeout=60) as client:
            answers = {name: client.get(f"/v1/metrics/{name}").raise_for_status().json() for name in names}
    except httpx.HTTPError as error:
        raise ServiceError(
            f"The API at {address} didn't answer: {error}; see what runs with `boathouse status`."
        ) from error
    values = {name: answer["data"][0]["value"] for name, answer in answers.items()}
    return Headline(
        release=answers["orders"]["release"],
        orders=int(values["orders"] or 0),
        customers=int(values["customers"] or 0),
        net_revenue=str(values["net_revenue"] or "0.00"),
        currency=str(answers["net_revenue"]["unit"]),
        reconciled=int(values["reconciled_orders"] or 0),
        chargeable=int(values["chargeable_orders"] or 0),
    )
