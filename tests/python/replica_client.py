"""Loads every category through the released client, and tells what it got, as JSON.

Its environment makes the client a REPLICA of the service under test. Both generations of the client
are served: 2.1 for Python 3.11, 8.6 for later ones.
"""

import importlib.metadata
import json
import sys

from horde_model_reference import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_reference_manager import ModelReferenceManager


def records_of(manager, category):
    """The records as the client's own types, or None if it has none."""
    load = getattr(manager, "get_model_reference_or_none", None)
    load = load or manager.get_model_reference_unsafe
    records = load(category)
    return None if records is None else sorted(records)


def exports_of(manager):
    """Which catalogues the client accepted; it validates them strictly. Older clients have none."""
    backend = manager.backend
    kinds = {
        "licensing": ("fetch_licensing_export", "licensing_store"),
        "guidance": ("fetch_text_guidance_export", "text_guidance_store"),
        "baselines": ("fetch_image_baseline_export", "image_baseline_store"),
    }
    accepted = {}
    for kind, (fetch, store) in kinds.items():
        if not hasattr(backend, fetch):
            continue
        export = getattr(backend, fetch)()
        if export is None:
            accepted[kind] = "not served"
            continue
        try:
            getattr(manager, store).refresh_replica_export(export)
            accepted[kind] = "accepted"
        except (OSError, ValueError) as error:
            accepted[kind] = f"refused: {error}"
    return accepted


def main():
    manager = ModelReferenceManager()
    loaded, raw = {}, {}
    for category in MODEL_REFERENCE_CATEGORY:
        loaded[category.value] = records_of(manager, category)
        raw[category.value] = manager.get_raw_model_reference_json(category)
    answer = {
        "client": importlib.metadata.version("horde_model_reference"),
        "loaded": loaded,
        "raw": raw,
        "exports": exports_of(manager),
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
