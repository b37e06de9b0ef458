"""The house rules: where imports may point, how long a module may be, which names there aren't."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("pipelines", "lake", "streams", "server", "infra", "boathouse", "bench")
MAY_IMPORT = {
    "lake": set[str](),
    "pipelines": {"lake"},
    "streams": {"lake"},
    "server": {"lake"},
    "infra": {"lake"},
    "boathouse": {"lake", "pipelines", "streams", "server", "infra"},
    "bench": {"lake", "pipelines", "streams", "server", "infra", "boathouse"},
}
DUMPING_GROUNDS = {"utils", "helpers", "common", "lib", "core", "misc", "base", "manager", "handler", "util", "helper"}
LONGEST = 250


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)


def test_imports_point_one_way() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package, allowed in MAY_IMPORT.items()
        for path in modules(package)
        for name in imported(path)
        if name.split(".")[0] in set(PACKAGES) - allowed - {package}
    ]
    assert wrong == []


def test_the_sqlmesh_project_imports_nothing_of_ours_and_is_no_package() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("sqlmesh")
        for name in imported(path)
        if name.split(".")[0] in PACKAGES
    ]
    assert wrong == []
    assert not (ROOT / "sqlmesh" / "__init__.py").exists()


def test_the_environment_is_read_in_one_place() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for path in modules(*PACKAGES)
        if any(word in path.read_text(encoding="utf-8") for word in ("os.environ", "os.getenv", "getenv("))
    ]
    assert readers == ["lake/settings.py"]


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules(*PACKAGES, "sqlmesh")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long == {}


def test_no_module_is_a_dumping_ground() -> None:
    assert [path.name for path in modules(*PACKAGES, "tests") if path.stem in DUMPING_GROUNDS] == []


def test_every_module_says_in_a_sentence_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules(*PACKAGES)
        if not (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0].endswith(".")
    ]
    assert silent == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "NotImplementedError"])
def test_nothing_is_left_for_later(word: str) -> None:
    found = [str(path.relative_to(ROOT)) for path in modules(*PACKAGES) if word in path.read_text(encoding="utf-8")]
    assert found == []


def test_nothing_is_skipped_in_the_tests() -> None:
    skips = ("pytest.skip(", "mark.skip(", "xfail", "importorskip", "time.sleep(")
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in modules("tests")
        for word in skips
        if path.name != "test_house.py" and word in path.read_text(encoding="utf-8")
    ]
    assert found == []
