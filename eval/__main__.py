"""`python -m eval DATASET`: how good retrieval and answers are, and whether a change made them worse."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rag.command import run

MAKE_SET = "make-set"


def main(arguments: Sequence[str] | None = None) -> int:
    """What `eval.program` or, for make-set, `eval.makeset` returns: the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == [MAKE_SET]:
        from eval.makeset.main import main as make_set

        return make_set(given[1:])
    from eval.program import main as measure

    return measure(given)


if __name__ == "__main__":
    sys.exit(run(main))
