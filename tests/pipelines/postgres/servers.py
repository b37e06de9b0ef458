"""Postgres servers of other versions than the embedded one, where the machine has their programs."""

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from infra.local import account
from infra.local.postgres import INITDB, OPTIONS

INSTALLED = {path.parent.name: path for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"))}
"""The folder of each version's programs, where Debian puts them."""
EMBEDDED = "embedded"
VERSIONS = [EMBEDDED, *INSTALLED]
# Added in 15 and 16; a cluster without them has the C locale all the same.
NEWER = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions")


@contextmanager
def running(programs: Path, folder: Path) -> Iterator[str]:
    """Run a server with an empty cluster; give its administrator's address."""
    who = account.choose()
    place = account.place(folder, who) / uuid4().hex[:8]
    place.mkdir(parents=True)
    who.own(place)
    (place / "password").write_text("secret")
    who.own(place / "password")
    said = [option for option in INITDB if option not in NEWER and not option.startswith("--pwfile")]
    as_account = {"user": who.uid, "group": who.gid, "cwd": place}
    command = [str(programs / "initdb"), f"--pgdata={place / 'data'}", f"--pwfile={place / 'password'}", *said]
    subprocess.run(command, check=True, capture_output=True, **as_account)  # type: ignore[call-overload]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [part for name, value in {**OPTIONS, "port": port}.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(place / "data"), *options]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, **as_account)  # type: ignore[call-overload]
    dsn = f"postgresql://postgres:secret@127.0.0.1:{port}/postgres"
    try:
        _ask(dsn)
        yield dsn
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
        shutil.rmtree(place, ignore_errors=True)
        account.remove_elsewhere(folder)


@retry(stop=stop_after_delay(60), wait=wait_fixed(0.2), retry=retry_if_exception_type(psycopg.Error), reraise=True)
def _ask(dsn: str) -> None:
    with psycopg.connect(dsn, connect_timeout=2) as connection:
        connection.execute("SELECT 1")
