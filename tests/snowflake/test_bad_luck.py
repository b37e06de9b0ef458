"""What is wrong with Snowflake is said in one sentence, and the next run mends it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr
from snowflake.connector import errors

from lake.environments import apply
from lake.errors import BoathouseError, CredentialsError, ServiceError, SettingError
from lake.settings import Settings
from lake.snowflake import connected, connection_options
from lake.snowflake_errors import sentence
from lake.snowflake_project import open_snowflake

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported


def complaint(settings: Settings) -> BoathouseError:
    with pytest.raises(BoathouseError) as caught, connected(settings) as connection:
        connection.cursor().execute("SELECT 1")
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("wrong", "kind", "named"),
    [
        ({"snowflake_password": SecretStr("hunter2")}, CredentialsError, "BOATHOUSE_SNOWFLAKE_PASSWORD"),
        ({"snowflake_user": "nobody"}, CredentialsError, "BOATHOUSE_SNOWFLAKE_USER"),
        ({"snowflake_role": "KING"}, SettingError, "BOATHOUSE_SNOWFLAKE_ROLE"),
        ({"snowflake_warehouse": "NONE"}, SettingError, "BOATHOUSE_SNOWFLAKE_WAREHOUSE"),
        ({"snowflake_account": "elsewhere"}, SettingError, "BOATHOUSE_SNOWFLAKE_ACCOUNT"),
    ],
)
def test_what_snowflake_refuses_is_said_with_the_setting(
    standin: Settings, wrong: dict[str, object], kind: type[BoathouseError], named: str
) -> None:
    said = complaint(standin.model_copy(update=wrong))
    assert type(said) is kind
    assert named in str(said)
    assert "hunter2" not in str(said)


def test_a_key_that_snowflake_does_not_know_is_said(standin: Settings, tmp_path: Path) -> None:
    file = tmp_path / "key.p8"
    file.write_bytes(pem(None))
    said = complaint(standin.model_copy(update={"snowflake_password": None, "snowflake_private_key_path": file}))
    assert type(said) is CredentialsError
    assert "BOATHOUSE_SNOWFLAKE_PRIVATE_KEY_PATH" in str(said)


def pem(phrase: bytes | None) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    lock = serialization.BestAvailableEncryption(phrase) if phrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def test_a_key_without_its_passphrase_or_without_its_file_is_said(tmp_path: Path) -> None:
    file = tmp_path / "key.p8"
    base = {"snowflake_account": "a", "snowflake_user": "u", "snowflake_private_key_path": file}
    with pytest.raises(SettingError, match="PRIVATE_KEY_PATH names can't be read: No such file"):
        connection_options(Settings(_env_file=None, **base))  # type: ignore[arg-type]
    file.write_bytes(pem(b"open sesame"))
    with pytest.raises(SettingError, match="PASSPHRASE opens"):
        connection_options(Settings(_env_file=None, **base))  # type: ignore[arg-type]
    right = Settings(_env_file=None, **base, snowflake_private_key_passphrase=SecretStr("open sesame"))  # type: ignore[arg-type]
    assert connection_options(right)["authenticator"] == "SNOWFLAKE_JWT"


def test_what_is_not_set_is_named() -> None:
    with pytest.raises(SettingError, match="BOATHOUSE_SNOWFLAKE_ACCOUNT is not set"):
        connection_options(Settings(_env_file=None))
    with pytest.raises(SettingError, match="BOATHOUSE_SNOWFLAKE_PASSWORD and BOATHOUSE_SNOWFLAKE_PRIVATE_KEY_PATH"):
        connection_options(Settings(_env_file=None, snowflake_account="a", snowflake_user="u"))


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (errors.OperationalError("250003: 404 Not Found: post", errno=290404), SettingError, "knows no account"),
        (errors.OperationalError("Could not connect to backend", errno=250001), ServiceError, "connection was lost"),
        (errors.DatabaseError("Connection is closed", errno=250002, sqlstate="08003"), ServiceError, "was lost"),
        (errors.ProgrammingError("Authentication token has expired", errno=390114), ServiceError, "was lost"),
        (
            errors.ProgrammingError("SQL compilation error:\nObject 'LAKE.BRONZE.X' does not exist", errno=2003),
            ServiceError,
            "Object 'LAKE.BRONZE.X' does not exist",
        ),
        (errors.ProgrammingError("Division by zero", errno=100051), ServiceError, "Division by zero"),
    ],
)
def test_what_the_connector_raises_becomes_a_sentence(error: Exception, kind: type[Exception], said: str) -> None:
    found = sentence(error)
    assert isinstance(found, kind)
    assert said in str(found)
    assert "\n" not in str(found)


def test_other_errors_are_left_alone() -> None:
    assert sentence(ValueError("250001")) is None


class Wire:
    """A wire to the stand-in that can be cut after so many bytes have come through."""

    def __init__(self, port: int) -> None:
        self.far = port
        self.left: int | None = None
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listening.accept()
                if self.cut:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.far))
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    @property
    def cut(self) -> bool:
        return self.left is not None and self.left <= 0

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source, target:
            while (data := source.recv(65536)) and not self.cut:
                if self.left is not None:
                    self.left -= len(data)
                target.sendall(data)


@contextmanager
def wire_to(settings: Settings) -> Iterator[tuple[Wire, Settings]]:
    wire = Wire(settings.snowflake_port)
    with wire.listening:
        yield wire, settings.model_copy(update={"snowflake_port": wire.port, "snowflake_timeout": 5})


def test_a_connection_lost_half_way_is_said_and_the_next_run_goes_on(
    fresh: Settings, project_of: Callable[..., Path]
) -> None:
    project = project_of("gold.fact_orders")
    with wire_to(fresh) as (wire, settings):
        wire.left = 250_000
        with pytest.raises(ServiceError, match="the connection was lost") as caught:
            apply(settings, "prod", "snowflake", project)
        assert "\n" not in str(caught.value)
        assert wire.cut
        wire.left = None
        assert apply(settings, "prod", "snowflake", project).audits
    with open_snowflake(fresh, project) as context:
        assert context.engine_adapter.fetchone("SELECT COUNT(*) FROM gold.fact_orders") == (4,)
