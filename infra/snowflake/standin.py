"""The stand-in for Snowflake: a fakesnow server on loopback, in an environment of its own, while it is used."""

import contextlib
import hashlib
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pydantic import SecretStr

from infra.local.ports import Ports
from infra.local.processes import last_lines
from lake.errors import ServiceError
from lake.settings import Settings

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "standin.txt"
SERVER = HERE / "standin_server.py"
ACCOUNT, USER, ROLE, WAREHOUSE = "standin", "boathouse", "BOATHOUSE", "BOATHOUSE"
READY_SECONDS, STOP_SECONDS, PROBE_SECONDS = 60.0, 10.0, 0.1


@contextmanager
def standing_in(settings: Settings, progress: Callable[[str], None] | None = None) -> Iterator[Settings]:
    """Run the stand-in, empty, and give a copy of ``settings`` whose Snowflake it is; leaving ends it.

    The first use installs its packages into ``<state_dir>/snowflake``. Raises ServiceError when they can't be
    installed or the server doesn't start, PortTakenError without a free port.
    """
    tell = progress or (lambda text: None)
    folder = settings.state_dir.absolute() / "snowflake"
    folder.mkdir(parents=True, exist_ok=True)
    tell("installing the stand-in for Snowflake")
    python = _installed(folder)
    port = Ports(folder).take_any(None)
    password = secrets.token_urlsafe(16)
    tell("starting the stand-in for Snowflake")
    log = folder / "standin.log"
    process = _started(python, port, password, log)
    try:
        _wait(process, port, log)
        yield settings.model_copy(update=_settings(port, password))
    finally:
        _stop(process)


def _settings(port: int, password: str) -> dict[str, object]:
    return {
        "snowflake_account": ACCOUNT,
        "snowflake_user": USER,
        "snowflake_password": SecretStr(password),
        "snowflake_private_key_path": None,
        "snowflake_role": ROLE,
        "snowflake_warehouse": WAREHOUSE,
        "snowflake_database": "BOATHOUSE",
        "snowflake_host": "127.0.0.1",
        "snowflake_port": port,
        "snowflake_protocol": "http",
        "snowflake_connections": 1,
    }


def _installed(folder: Path) -> Path:
    """Make the environment that standin.txt describes, once, and give its Python."""
    uv = shutil.which("uv")
    if uv is None:
        raise ServiceError("The stand-in for Snowflake is installed by uv, which isn't on the PATH; put it there.")
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    home, mark = folder / "env", folder / "env.installed"
    python = home / "bin" / "python"
    if python.exists() and mark.exists() and mark.read_text() == wanted:
        return python
    for command in (
        [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(home)],
        [uv, "pip", "sync", "--quiet", "--python", str(python), str(REQUIREMENTS)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["uv said nothing"])[-1]
            raise ServiceError(f"The stand-in for Snowflake can't be installed: {last.strip()}; run it again online.")
    mark.write_text(wanted)
    return python


def _started(python: Path, port: int, password: str, log: Path) -> subprocess.Popen[bytes]:
    who = ["--account", ACCOUNT, "--user", USER, "--role", ROLE, "--warehouse", WAREHOUSE]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [str(python), str(SERVER), "--port", str(port), *who],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(f"{password}\n".encode())
        process.stdin.flush()  # Left open: its end tells the server that this process is gone.
    return process


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            httpx.post(f"http://127.0.0.1:{port}/queries/v1/abort-request", timeout=2.0)
            return
        time.sleep(PROBE_SECONDS)
    last = (last_lines(log) or ["it wrote nothing"])[-1].rstrip(".")[:300]
    raise ServiceError(f"The stand-in for Snowflake doesn't start: {last}; see {log}.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
