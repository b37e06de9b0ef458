"""The live flow as a child process."""

import subprocess
from contextlib import AbstractContextManager

from lake.handover import child
from lake.settings import Settings


def flowing(settings: Settings) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run the flow and the fast lane in a child while the block runs."""
    return child("streams", settings)
