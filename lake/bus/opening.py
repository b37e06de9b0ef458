"""Which bus the settings name."""

from urllib.parse import urlsplit

from lake.bus.protocols import Bus
from lake.errors import SettingError
from lake.settings import Settings


def open_bus(settings: Settings) -> Bus:
    """Open the bus at ``bus_url``, or on ``redis_url`` when that isn't set.

    Raises SettingError when there is neither, for another kind of address, and for Kafka without its library.
    """
    secret = settings.bus_url or settings.redis_url
    if secret is None:
        raise SettingError("BOATHOUSE_BUS_URL is not set and no embedded Valkey runs; set it, or use `just up`.")
    scheme = urlsplit(secret.get_secret_value()).scheme
    if scheme in ("redis", "rediss", "unix"):
        from lake.bus.redis_stream import RedisStream

        return RedisStream(secret.get_secret_value(), settings.bus_retention)
    if scheme == "kafka":
        try:
            from lake.bus.kafka_topic import KafkaTopic
        except ImportError:
            raise SettingError(
                "BOATHOUSE_BUS_URL names Kafka, but its library is missing; install boathouse[kafka]."
            ) from None
        return KafkaTopic(secret.get_secret_value(), settings.redis_url)
    raise SettingError(f"BOATHOUSE_BUS_URL starts with '{scheme}'; it takes redis:// or kafka://host:port/topic.")
