"""Postgres servers of a test's own: any version found on this machine, to be stopped and killed at will."""

import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import psycopg
import trustme
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from infra.local import account
from infra.local import postgres as embedded
from infra.local.binaries import installed_file
from infra.local.processes import environment

DEBIAN = Path("/usr/lib/postgresql")
EMBEDDED = "18"
OPTIONS = embedded.OPTIONS | {"fsync": "off", "wal_sender_timeout": "10s"}


def versions() -> list[str]:
    """Name the major versions on this machine: Debian's where they are installed, and the embedded one."""
    return [*sorted(path.parents[1].name for path in DEBIAN.glob("1[5-7]/bin/postgres")), EMBEDDED]


def programs_of(version_name: str, folder: Path) -> Path:
    """Find the programs of a major version, where the account that runs them can reach them."""
    if version_name != EMBEDDED:
        return DEBIAN / version_name / "bin"
    wheel = installed_file(embedded.PACKAGE, "postgres", embedded.Postgres()).parents[2]
    return account.programs(wheel, folder, account.choose(), version(embedded.PACKAGE)) / "pginstall" / "bin"


class Server:
    """One cluster, which can be started again after whatever happened to it; a standby where it has a ``primary``.

    With ``tls`` it encrypts, and its address has its certificate checked; the embedded version can't.
    """

    def __init__(self, version_name: str, folder: Path, primary: "Server | None" = None, *, tls: bool = False) -> None:
        self._who = account.choose()
        place = account.place(folder, self._who)
        self._programs = programs_of(version_name, place)
        self._folder = place / ("standby" if primary else "cluster")
        self._folder.mkdir(mode=0o700)
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._options = dict(OPTIONS)
        password = self._folder / "password"
        self._password: str = primary._password if primary else secrets.token_hex(12)
        password.write_text(self._password, "utf-8")
        self._who.own(password)
        self._who.own(self._folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.dsn = f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/postgres"
        if primary is None:
            given = ("--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--locale=C")
            self._run("initdb", f"--pgdata={self._data}", f"--pwfile={password}", *given)
        else:
            slot = ("--create-slot", "--slot=standby", "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
            self._run("pg_basebackup", f"--pgdata={self._data}", f"--dbname={primary.dsn}", *slot)
            self._options = OPTIONS | {"hot_standby_feedback": "on", "sync_replication_slots": "on"}
        if tls:
            self._encrypt()

    def start(self) -> None:
        """Start it and wait until it answers, as after a crash when it must recover."""
        options = {**self._options, "port": str(self._port)}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [str(self._programs / "postgres"), "-D", str(self._data), *words],
            cwd=self._folder,
            env=environment(self._folder),
            user=self._who.uid,
            group=self._who.gid,
            extra_groups=None if self._who.uid is None else [],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._answers()

    def end(self, how: signal.Signals) -> None:
        """End it with SIGINT (fast), SIGQUIT (immediate) or SIGKILL, and wait until it is gone."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(60)

    def _encrypt(self) -> None:
        authority = trustme.CA()
        made = authority.issue_cert("127.0.0.1")
        files = {"authority": authority.cert_pem, "cert": made.cert_chain_pems[0], "key": made.private_key_pem}
        for name, blob in files.items():
            blob.write_to_path(str(self._folder / f"{name}.pem"))
            self._who.own(self._folder / f"{name}.pem")
        (self._folder / "key.pem").chmod(0o600)
        self._options |= {"ssl": "on", "ssl_cert_file": str(self._folder / "cert.pem")}
        self._options |= {"ssl_key_file": str(self._folder / "key.pem")}
        self.dsn += f"?sslmode=verify-full&sslrootcert={self._folder / 'authority.pem'}"

    @retry(retry=retry_if_exception_type(psycopg.OperationalError), stop=stop_after_delay(60), wait=wait_fixed(0.1))
    def _answers(self) -> None:
        with psycopg.connect(self.dsn, connect_timeout=5) as connection:
            connection.execute("SELECT 1")

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [str(self._programs / program), *words],
            cwd=self._folder,
            env=environment(self._folder),
            user=self._who.uid,
            group=self._who.gid,
            extra_groups=None if self._who.uid is None else [],
            capture_output=True,
            check=True,
        )


@contextmanager
def running(version_name: str, folder: Path, *, tls: bool = False) -> Iterator[Server]:
    """Make a cluster of a major version and run it."""
    server = Server(version_name, folder, tls=tls)
    server.start()
    try:
        yield server
    finally:
        server.end(signal.SIGQUIT)
        account.remove_elsewhere(folder)


@contextmanager
def standing_by(primary: Server, folder: Path) -> Iterator[Server]:
    """Make a standby of an embedded server beside it, and run it."""
    server = Server(EMBEDDED, folder, primary)
    server.start()
    try:
        yield server
    finally:
        server.end(signal.SIGQUIT)
