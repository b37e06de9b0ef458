"""What you type: the command line, which composes the other packages."""

import time

STARTED = time.monotonic()
