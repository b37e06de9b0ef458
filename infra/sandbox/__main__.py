"""Starts the sandbox shop: ``python -m infra.sandbox --port 8900``."""

import argparse
import sys
import tempfile
from pathlib import Path

from infra.sandbox.server import serve
from infra.sandbox.shopify.cost import PLANS
from lake.errors import BoathouseError


def main() -> int:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m infra.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8900, help="port of loopback; 0 is any free one")
    parser.add_argument("--seed", type=int, default=1997, help="seed of everything invented")
    parser.add_argument("--orders", type=int, default=0, help="synthetic orders; 0 is the CDNOW history")
    parser.add_argument("--busy", type=int, default=0, help="orders sold after those, see docs/sandbox.md")
    parser.add_argument("--state-dir", type=Path, help="folder for what was sold and bulk operations' files")
    parser.add_argument("--chaos", type=Path, help="file with a chaos script to begin with, see docs/sandbox.md")
    parser.add_argument("--plan", choices=sorted(PLANS), default="standard", help="Shopify plan, for the rate limit")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="boathouse-sandbox-") as scratch:
        try:
            serve(
                args.port,
                seed=args.seed,
                orders=args.orders,
                busy=args.busy,
                state_dir=args.state_dir or Path(scratch),
                plan=args.plan,
                chaos=args.chaos,
            )
        except BoathouseError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
