"""What folding repetitions and giving documents a share do to a result.

    python docs/bench_hits.py PATH/TO/SETS --work indexes

Every question is searched once, deep and as ranked; the list is then shaped in each way. Folding is judged
by nDCG@10, once by the hits alone, once with the places that stand beside them; a share by how much of what
is relevant is among 8 hits, where passages "page#section" are of one document. p is that of the paired
randomisation test against the list as it was ranked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eval.datasets import expand, read_test_set
from eval.metrics import per_query
from eval.stats import randomisation_test
from eval.types import PassageSet
from eval.workspace import open_workspace
from rag.build import build_retriever
from rag.config import load_settings
from rag.hits.shape import AS_RANKED, Shape, shaped
from rag.types import Hit

RANKED = 60
SHOWN = 8
TRIALS = 2000

Lists = Mapping[str, Sequence[Hit]]


def main() -> None:
    """Print one line for each set and way of shaping."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--work", type=Path, help="keep indexes there")
    options = parser.parse_args()
    for path in expand(options.sets):
        test_set = read_test_set(path, labels="passages")
        if isinstance(test_set, PassageSet):
            lists = _ranked(test_set, options.work)
            print("\n".join([*_folding(test_set, lists), *_shares(test_set, lists)]), flush=True)


def _ranked(test_set: PassageSet, work: Path | None) -> Lists:
    with open_workspace(work, None) as workspace:
        settings, _ = workspace.indexed(test_set, load_settings())
        retriever = build_retriever(settings)
        plain = retriever.varied(replace(retriever.tuning, shape=AS_RANKED))
        asked = {name: query.text for name, query in test_set.queries.items() if name in test_set.qrels}
        print(f"{test_set.name}: {len(asked)} questions", file=sys.stderr)
        return {name: plain.search(text, k=RANKED) for name, text in asked.items() if text}


def _folding(test_set: PassageSet, lists: Lists) -> list[str]:
    fold = Shape("fold")
    alone = {name: [_name(hit) for hit in shaped(hits, RANKED, fold).hits] for name, hits in lists.items()}
    places = {
        name: [each for hit in shaped(hits, RANKED, fold).hits for each in _names(hit)]
        for name, hits in lists.items()
    }
    before = _ndcg(test_set, {name: [_name(hit) for hit in hits] for name, hits in lists.items()})
    return [
        _line(f"{test_set.name}, folded, {what}, ndcg@10", before, _ndcg(test_set, found))
        for what, found in (("hits alone", alone), ("with places", places))
    ]


def _shares(test_set: PassageSet, lists: Lists) -> list[str]:
    def recall(take: Callable[[Sequence[Hit]], Sequence[Hit]]) -> dict[str, float]:
        found = {name: {_name(hit) for hit in take(hits)} for name, hits in lists.items()}
        relevant = {
            name: {passage for passage, grade in test_set.qrels[name].items() if grade > 0} for name in lists
        }
        return {name: len(found[name] & own) / min(SHOWN, len(own)) for name, own in relevant.items() if own}

    before = recall(lambda hits: hits[:SHOWN])
    return [
        _line(f"{test_set.name}, per_document {most}, recall@{SHOWN}", before, recall(_share(most)))
        for most in (1, 2, 3, 4, 5)
    ]


def _share(most: int) -> Callable[[Sequence[Hit]], Sequence[Hit]]:
    def take(hits: Sequence[Hit]) -> Sequence[Hit]:
        pages = [
            replace(hit, chunk=replace(hit.chunk, document_id=page, start=at, end=at, heading=(_name(hit),)))
            for at, hit in enumerate(hits)
            for page in [_name(hit).partition("#")[0]]
        ]
        shown = shaped(pages[: 2 * SHOWN], SHOWN, Shape("keep", most)).hits
        return [hits[hit.chunk.start] for hit in shown]

    return take


def _name(hit: Hit) -> str:
    return hit.chunk.document_id


def _names(hit: Hit) -> list[str]:
    return [_name(hit), *(place.document for place in hit.also)]


def _ndcg(test_set: PassageSet, ranked: Mapping[str, Sequence[str]]) -> dict[str, float]:
    values = per_query({name: test_set.qrels[name] for name in ranked}, ranked)
    return {name: own["ndcg@10"] for name, own in values.items()}


def _line(what: str, before: Mapping[str, float], after: Mapping[str, float]) -> str:
    differences = [after[name] - before[name] for name in before]
    p = randomisation_test(differences, trials=TRIALS, seed=0)
    mean = sum(before.values()) / len(before)
    return f"{what}: {mean:.4f} {sum(differences) / len(differences):+.4f} (p {p:.3f})"


if __name__ == "__main__":
    main()
