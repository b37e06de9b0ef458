"""Where the wheels put the services' programs."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Protocol

from lake.errors import ServiceError


class Replaceable(Protocol):
    """Something with a name for the user and a setting that replaces it."""

    @property
    def title(self) -> str:
        """Give the name a user knows."""

    @property
    def setting(self) -> str:
        """Name the setting that puts the user's own in its place."""


def installed_file(package: str, name: str, service: Replaceable) -> Path:
    """Find the file called ``name`` that the wheel ``package`` installed.

    Raises ServiceError that names the setting to use instead, where the wheel has none for this platform.
    """
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name and (path := Path(str(file.locate())).resolve()).is_file():
            return path
    raise ServiceError(
        f"The package {package} has no {service.title} for this platform; set {service.setting} to your own."
    )
