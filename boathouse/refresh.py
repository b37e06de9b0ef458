"""From bronze to a release: prove, transform, audit, publish, cut; or find that nothing changed."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from pyiceberg.catalog import Catalog

from boathouse.gates import Gates, waits
from lake.catalogue import find_table
from lake.commits import MARK, Mark
from lake.errors import HeldError, ProofError
from lake.failpoints import reached
from lake.pins import Pin, pin_tables
from lake.proofs import Proof, open_disagreements, prove
from lake.publish import publish
from lake.releases import Entry, Release, cut_release, new_release_id, standing
from lake.settings import Settings
from lake.transforms import FailedAuditError, TransformResult, transform
from lake.warehouse import fingerprint, gold_tables, read_gold

Progress = Callable[[str], None]


def prove_loads(settings: Settings, catalogue: Catalog) -> list[Proof]:
    """Prove every load that isn't yet. Raises ProofError when what landed isn't what the source said."""
    reached("prove.before")
    proofs = prove(settings, catalogue)
    wrong = open_disagreements(catalogue)
    if wrong:
        first = wrong[0]
        raise ProofError(
            f"{first['table']} doesn't hold what its source said: load {first['load_id']} has "
            f"{first['landed_count']:,} of {first['source_count']:,}; `just prove` shows all, and no release is cut."
        )
    return proofs


def is_current(release: Release | None, pins: Mapping[str, Pin]) -> bool:
    """Whether a release was cut from just this bronze with just these models."""
    if release is None:
        return False
    snapshots = {name: pin.snapshot_id for name, pin in pins.items()}
    return snapshots == {name: pin.snapshot_id for name, pin in release.bronze.items()} and (
        release.models == fingerprint()
    )


def build(
    settings: Settings, gates: Gates, pins: Mapping[str, Pin], say: Progress, *, anew: bool = False
) -> TransformResult:
    """Run the transform, of everything if ``anew``, and keep every audit's result.

    Raises AuditError when a blocking audit fails.
    """
    reached("transform.before")

    def tell(model: str) -> None:
        reached("transform.model")
        say(model)

    try:
        result = transform(settings, pins, tell, anew=anew)
    except FailedAuditError as error:
        gates.keep("models", error.audits)
        raise
    gates.keep("models", result.audits)
    reached("transform.after")
    return result


def release_gold(
    settings: Settings, gates: Gates, pins: Mapping[str, Pin], models: dict[str, str]
) -> tuple[Release, tuple[str, ...]]:
    """Publish gold and cut a release over it; give it with the names of the tables that changed.

    Raises HeldError when the release must wait for an approval: it is kept, and readers stay where they are.
    """
    catalogue = gates.catalogue
    published = publish(catalogue, ((name, read_gold(settings, name)) for name in gold_tables()))
    current, _ = standing(catalogue)
    at = datetime.now(UTC)
    release = Release(
        release_id=new_release_id(published.content, at),
        cut_at=at,
        previous=current.release.release_id if current else None,
        content=published.content,
        bronze=dict(pins),
        gold=published.pins,
        cursors=cursors_of(catalogue, pins),
        models=models,
    )
    why = gates.judge(settings, current, release)
    cut_release(catalogue, release, "held" if why else "cut", why)
    if why:
        raise HeldError(waits(Entry(release, "held", why, at), current))
    return release, published.changed


def bronze_pins(catalogue: Catalog) -> dict[str, Pin]:
    """Pin bronze as it is now."""
    return pin_tables(catalogue, "bronze")


def cursors_of(catalogue: Catalog, pins: Mapping[str, Pin]) -> dict[str, str]:
    """Read where every writer of every bronze table stands: ``table/writer`` to cursor."""
    found: dict[str, str] = {}
    for name in pins:
        table = find_table(catalogue, f"bronze.{name}")
        for key, text in table.properties.items() if table else ():
            if key.startswith(MARK):
                mark = Mark.from_json(text)
                found[f"{name}/{mark.writer}"] = mark.cursor
    return found
