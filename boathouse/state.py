"""What runs and what is kept on this machine: shown, stopped, removed."""

import shutil

from rich.table import Table

from boathouse.console import console
from infra import local
from lake.locks import writing
from lake.settings import Settings


def show_status(settings: Settings) -> None:
    """Print each embedded service: whether it runs, its process and ports, its log."""
    table = Table("service", "state", "process", "ports", "log", box=None, pad_edge=False)
    found = local.status(settings)
    for service in found:
        ports = ", ".join(f"{name} {port}" for name, port in service.ports.items()) if service.running else ""
        state = "[green]runs[/]" if service.running else "[dim]stopped[/]"
        table.add_row(service.title, state, str(service.pid) if service.running else "", ports, service.log)
    console.print(table)
    console.print(f"status: {sum(service.running for service in found)} of {len(found)} embedded services run")


def stop_services(settings: Settings) -> None:
    """Stop the embedded services, whoever started them. Raises LockedError while another process writes."""
    if not settings.state_dir.exists():
        console.print("stop: nothing ran")
        return
    with writing(settings, "boathouse stop"):
        stopped = local.stop_all(settings)
    console.print(f"stop: {', '.join(stopped) or 'nothing ran'}")


def remove_state(settings: Settings) -> None:
    """Stop the services and remove the state folder. Raises LockedError while another process writes to it."""
    folder = settings.state_dir.absolute()
    if not folder.exists():
        console.print("clean: nothing to remove")
        return
    with writing(settings, "just clean"):
        local.remove_all(settings)
        shutil.rmtree(folder, ignore_errors=True)
    console.print(f"clean: removed {settings.state_dir}")
