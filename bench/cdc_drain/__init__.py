"""``cdc_drain`` and ``cdc_stream``: a slot with changes waiting, drained through peeks and through the walsender."""
