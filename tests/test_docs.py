"""The documentation tells of everything that there is: settings, recipes, commands, metrics, tables, endpoints."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.main import get_command

from boathouse.__main__ import app
from lake.metric_columns import check_columns
from lake.metrics import load_metrics
from lake.models import read_models
from lake.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
DOCS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
)


def env_example() -> str:
    """Write .env.example as the settings are: a comment, and the default where there is one."""
    lines = ["# Every setting with its default. Copy to .env and change what you need; what stays empty is embedded."]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        text = default.get_secret_value() if isinstance(default, SecretStr) else default
        shown = "" if text in (None, "", [], {}) else str(text)
        lines += ["", f"# {field.description}", f"{PREFIX}{name.upper()}={shown}"]
    return "\n".join(lines) + "\n"


def test_the_example_holds_every_setting_with_its_default() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_example()


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_example_can_be_used_as_it_is() -> None:
    assert Settings(_env_file=ROOT / ".env.example") == Settings(_env_file=None)


def recipes() -> list[str]:
    text = (ROOT / "justfile").read_text(encoding="utf-8")
    return [name for name in re.findall(r"^([a-z][a-z-]*)[^:=\n]*:(?!=)", text, re.MULTILINE) if name != "set"]


def test_every_recipe_has_a_comment_above_it() -> None:
    lines = (ROOT / "justfile").read_text(encoding="utf-8").splitlines()
    for name in recipes():
        at = next(i for i, line in enumerate(lines) if re.match(rf"{name}\b[^=]*:", line))
        assert lines[at - 1].startswith("# "), name


@pytest.mark.parametrize("recipe", recipes())
def test_every_recipe_is_documented(recipe: str) -> None:
    assert f"just {recipe}" in DOCS


@pytest.mark.parametrize("command", sorted(get_command(app).commands))  # type: ignore[attr-defined]
def test_every_command_is_documented(command: str) -> None:
    assert f"boathouse {command}" in DOCS or f"just {command}" in DOCS


@pytest.mark.parametrize("metric", sorted(load_metrics()))
def test_every_metric_is_documented(metric: str) -> None:
    assert f"`{metric}`" in DOCS


def test_every_table_and_column_that_a_metric_names_exists() -> None:
    check_columns(load_metrics(), read_models())


@pytest.mark.parametrize("model", sorted(path.stem for path in (ROOT / "sqlmesh" / "models" / "gold").glob("*.sql")))
def test_every_gold_table_is_documented(model: str) -> None:
    assert f"`gold.{model}`" in DOCS


@pytest.mark.parametrize(
    "path", ["/v1/metrics", "/v1/metrics/{name}", "/v1/releases/current", "/health", "/schema", "/reports"]
)
def test_every_endpoint_is_documented(path: str) -> None:
    assert f"`{path}`" in DOCS or f"GET {path}" in DOCS


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for link in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
        if not link.startswith(("http:", "https:", "mailto:")) and not (path.parent / link).exists()
    ]
    assert broken == []
