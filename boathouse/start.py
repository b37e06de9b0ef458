"""How every command begins: its settings read once, failpoints armed, telemetry silenced, logs in form."""

from lake import failpoints
from lake.logs import configure_logs
from lake.settings import Settings, load_settings, silence_telemetry


def start() -> Settings:
    """Read the settings and set the process up by them. Raises SettingError."""
    settings = load_settings()
    failpoints.arm(settings.failpoint)
    silence_telemetry(settings)
    configure_logs(settings)
    return settings
