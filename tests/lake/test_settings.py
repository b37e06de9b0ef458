from pathlib import Path

import pytest

from lake.errors import SettingError
from lake.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_setting_comes_from_the_environment_before_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("BOATHOUSE_SHOPIFY_SHOP=from-file\nBOATHOUSE_POSTGRES_SLOT=filed\nUNKNOWN=1\n")
    monkeypatch.setenv("BOATHOUSE_SHOPIFY_SHOP", "from-environment")
    settings = load_settings()
    assert (settings.shopify_shop, settings.postgres_slot) == ("from-environment", "filed")


def test_empty_means_not_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("BOATHOUSE_POSTGRES_TABLES=\n")
    for name in ("SHOPIFY_SHOP", "STRIPE_API_KEY", "POSTGRES_DSN", "SERVER_PORT"):
        monkeypatch.setenv(f"BOATHOUSE_{name}", "")
    settings = load_settings()
    assert (settings.shopify_shop, settings.server_port, settings.uses_sandbox) == (None, 8000, True)


@pytest.mark.parametrize("name", ["SHOPIFY_SHOP", "STRIPE_API_KEY", "POSTGRES_DSN"])
def test_one_source_of_ones_own_is_enough_to_leave_the_sandbox(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"BOATHOUSE_{name}", "mine")
    assert load_settings().uses_sandbox is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVER_PORT", "eighty"),
        ("SERVER_PORT", "65536"),
        ("CATALOG_TYPE", "hive"),
        ("SHOPIFY_API_VERSION", "latest"),
        ("POSTGRES_SLOT", "My-Slot"),
        ("POSTGRES_TABLES", "public.orders"),
        ("CATALOG_PROPERTIES", "{"),
        ("CATALOG_PROPERTIES", "[]"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_it(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"BOATHOUSE_{name}", value)
    with pytest.raises(SettingError, match=rf"^BOATHOUSE_{name} is wrong: [^\n]*; see \.env\.example[^\n]*\.$"):
        load_settings()


def test_a_file_that_is_not_text_is_one_sentence(folder: Path) -> None:
    (folder / ".env").write_bytes(b"BOATHOUSE_SHOPIFY_SHOP=\xff\n")
    with pytest.raises(SettingError, match=r"^The file \.env isn't UTF-8 text"):
        load_settings()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {name: str(field.annotation) for name, field in Settings.model_fields.items()}
    names = [name for name, kind in kinds.items() if "SecretStr" in kind]
    for name in names:
        value = {"list": '["hush"]', "dict": '{"password": "hush"}'}.get(kinds[name].partition("[")[0], "hush")
        monkeypatch.setenv(f"BOATHOUSE_{name.upper()}", value)
    assert {"stripe_api_key", "postgres_dsn", "shopify_access_token"} <= set(names)
    assert "hush" not in repr(load_settings()) + str(load_settings())
