"""`python -m api.removal`: forget documents. Their ids are a JSON list on standard input.

A process of its own, because writing an index takes memory and time that the service's answers need.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from rag.build import build_indexer
from rag.command import add_settings, run, settings_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Print {"removed", "generation"}; exit status 0, or 2 where it could not start."""
    parser = argparse.ArgumentParser(prog="python -m api.removal")
    add_settings(parser)
    settings = settings_of(parser.parse_args(arguments))
    wanted = set(json.load(sys.stdin))
    with build_indexer(settings) as indexer:
        living = sorted(wanted & {document.id for document in indexer.store.documents()})
        indexer.remove(living)
        generation = indexer.publish()
    print(json.dumps({"removed": len(living), "generation": generation}))
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
