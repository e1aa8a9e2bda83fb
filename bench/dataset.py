"""The data folders that servers are measured on: the real data, and multiples of it."""

import copy
import json
import os
import shutil
from pathlib import Path

WORKSPACE = Path(__file__).resolve().parent.parent
# Below this many models the small invented set is multiplied, so that answers have a real size.
EXAMPLE_MODELS = 170


def source():
    """The folder with `v2` and `legacy`, and what it is called in the report."""
    shared = Path(os.environ.get("HMR_SHARED", WORKSPACE.parent / "shared"))
    if (shared / "data" / "v2" / "stable_diffusion.json").is_file():
        return shared / "data", "the published model reference"
    return WORKSPACE / "examples" / "data", "the invented example set, multiplied"


def real(home):
    """Fills the cache home `home`; says what the data is."""
    folder, words = source()
    root = Path(home) / "horde_model_reference"
    root.mkdir(parents=True)
    (root / "legacy").mkdir()
    is_example = folder.parent.name == "examples"
    for path in sorted((folder / "v2").iterdir()):
        if is_example:
            records = json.loads(path.read_text())
            factor = max(1, EXAMPLE_MODELS // max(1, len(records)))
            write(root / path.name, multiplied(records, factor))
        else:
            shutil.copyfile(path, root / path.name)
    if not is_example:
        # Last, because a legacy file must not be older than the v2 file made from it.
        for path in sorted((folder / "legacy").iterdir()):
            shutil.copyfile(path, root / "legacy" / path.name)
    return words


def generated(home, factor):
    """Fills `home` with `factor` times the v2 records; the number of records in each category."""
    folder, _ = source()
    root = Path(home) / "horde_model_reference"
    root.mkdir(parents=True)
    counts = {}
    for path in sorted((folder / "v2").iterdir()):
        if not path.suffix == ".json":
            continue
        records = multiplied(json.loads(path.read_text()), factor)
        counts[path.name] = len(records)
        write(root / path.name, records)
    return counts


def multiplied(records, factor):
    """The records, and `factor - 1` copies of each under names of their own."""
    result = dict(records)
    for number in range(2, factor + 1):
        for name, record in records.items():
            twin = copy.copy(record)
            twin["name"] = f"{name} no. {number}"
            result[twin["name"]] = twin
    return result


def write(path, records):
    """Writes next to the place, then renames, as everybody should who edits a served file."""
    staged = path.with_suffix(".staged")
    staged.write_text(json.dumps(records, indent=4))
    staged.rename(path)
