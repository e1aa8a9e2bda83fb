"""Reads an audit trail with the reference's own reader and replayer, and tells what it got, as JSON.

Releases before 8.6 have no audit trail; then the answer is only who was asked.
"""

import importlib.metadata
import json
import sys
from pathlib import Path


def main():
    answer = {"client": importlib.metadata.version("horde_model_reference")}
    try:
        from horde_model_reference.audit import AuditReplayer, AuditTrailReader
    except ImportError:
        json.dump(answer, sys.stdout)
        return
    reader = AuditTrailReader(root_path=Path(sys.argv[1]))
    answer["events"] = [event.model_dump(mode="json", exclude_none=True) for event in reader.iter_events()]
    replayer = AuditReplayer(reader=reader)
    states = {}
    for domain, category in {(event["domain"], event["category"]) for event in answer["events"]}:
        result = replayer.reconstruct_state(domain=domain, category=category)
        states[f"{domain}/{category}"] = result.state
    answer["states"] = states
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
