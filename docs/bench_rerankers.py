"""What a reranker does to hybrid search: nDCG@10 without and with it, question by question.

    python docs/bench_rerankers.py PATH/TO/SETS --work indexes
    python docs/bench_rerankers.py PATH/TO/SETS --set reranker.name=http --set reranker.depth=50

Without --set it is late interaction with the embedder's own token vectors, over 20 hits. Every question is
searched both ways, ten hits each, repetitions not folded. The interval is the difference's 95 % bootstrap
interval, p that of the paired randomisation test. The times are medians of this process's processor time
for whole searches, the embedding of the question included; "again" are those of the last questions asked
once more, whose passages are remembered.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval.datasets import expand, read_test_set
from eval.metrics import per_query
from eval.stats import paired
from eval.types import PassageSet
from eval.workspace import Workspace, open_workspace
from rag.build import build_retriever
from rag.command import prepare_environment
from rag.config import load_settings
from rag.errors import SettingError
from rag.hits.shape import AS_RANKED
from rag.retrieve import Retriever

K = 10
AGAIN = 50  # questions asked once more
TRIALS = 10_000
CHOSEN = ("reranker.name=late_interaction", "reranker.depth=20")
HEAD = ("Set", "hybrid", "reranked", "change (p)", "95 %", "better, worse", "CPU ms without", "with", "again")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one way of searching found: documents by query, and a search's median processor time in ms."""

    ranked: Mapping[str, Sequence[str]]
    milliseconds: float


def main() -> None:
    """Print a table in Markdown, a line as soon as its set is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+", help="folders in BEIR layout, or a folder of them")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any setting")
    parser.add_argument("--work", type=Path, help="keep indexes there")
    options = parser.parse_args()
    prepare_environment()
    chosen = dict(pair.split("=", 1) for pair in options.set or CHOSEN)
    print("\n".join([_row(HEAD), _row(["---"] * len(HEAD))]), flush=True)
    with open_workspace(options.work, None) as workspace:
        for path in expand(options.sets):
            test_set = read_test_set(path, labels="passages")
            if isinstance(test_set, PassageSet):
                print(_row(_measured(test_set, chosen, workspace)), flush=True)


def _measured(test_set: PassageSet, chosen: Mapping[str, str], workspace: Workspace) -> list[str]:
    settings, _ = workspace.indexed(test_set, load_settings(chosen))
    retriever = build_retriever(settings)
    tuning = replace(retriever.tuning, shape=AS_RANKED)
    if tuning.reranking is None:
        raise SettingError("reranker.name is not set: give --set reranker.name=NAME")
    asked = {name: query.text for name, query in test_set.queries.items() if name in test_set.qrels}
    print(f"{test_set.name}: {len(asked)} questions", file=sys.stderr)
    plain = _ask(retriever.varied(replace(tuning, reranking=None)), asked)
    reranked = _ask(retriever.varied(tuning), asked)
    again = _ask(retriever.varied(tuning), dict([*asked.items()][-AGAIN:]))
    found = paired(_values(test_set, reranked), _values(test_set, plain), seed=0, trials=TRIALS)
    low, high = found.interval
    return [
        test_set.name,
        _figure(found.mean_b),
        _figure(found.mean_a),
        f"{_signed(found.difference)} ({'< .001' if found.p < 0.001 else _figure(found.p)})",
        f"{_signed(low)} to {_signed(high)}",
        f"{found.wins}, {found.losses}",
        *(f"{each.milliseconds:.0f}" for each in (plain, reranked, again)),
    ]


def _ask(retriever: Retriever, asked: Mapping[str, str]) -> Asked:
    """Every question once, after one that loads the model."""
    retriever.search(next(iter(asked.values())), k=K)
    ranked, times = {}, []
    for name, text in asked.items():
        start = time.process_time()
        hits = retriever.search(text, k=K)
        times.append(1000 * (time.process_time() - start))
        ranked[name] = list(dict.fromkeys(hit.chunk.document_id for hit in hits))
    return Asked(ranked, statistics.median(times))


def _values(test_set: PassageSet, asked: Asked) -> list[float]:
    values = per_query({name: test_set.qrels[name] for name in asked.ranked}, asked.ranked)
    return [values[name]["ndcg@10"] for name in asked.ranked]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1)


def _signed(value: float) -> str:
    return _figure(0.0) if abs(value) < 0.0005 else f"{'+' if value > 0 else '-'}{_figure(abs(value))}"


if __name__ == "__main__":
    main()
