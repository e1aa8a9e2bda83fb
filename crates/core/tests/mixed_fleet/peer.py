"""A worker of the reference implementation: writes records into the same folder, one after another.

Arguments: the data folder, how many records. Prints `ready`, waits for a line, writes, and prints
`done <number written>`.
"""

import sys

from horde_model_reference import MODEL_REFERENCE_CATEGORY
from horde_model_reference.backends.filesystem_backend import FileSystemBackend


def main():
    folder, count = sys.argv[1], int(sys.argv[2])
    backend = FileSystemBackend(base_path=folder, skip_startup_metadata_population=True)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        name = f"py-{number}"
        backend.update_model(MODEL_REFERENCE_CATEGORY.clip, name, {"name": name})
    print("done", count, flush=True)


main()
