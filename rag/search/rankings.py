"""Rankings of one leg: completed past their ties, cut, and read row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rag.fusion import Evidence
from rag.types import Leg, Ranking, Rows, Vectors


def complete(search: Callable[[int], Ranking], depth: int, sample: int) -> Ranking:
    """At least the best `depth` rows if there are so many, and every row that ties with one of them.

    A leg cuts at a number of rows, and between equal scores by row; so the last score's rows are left
    out, and more are asked for where too few remain.
    """
    wanted = max(depth, sample) + 1
    while True:
        found = search(wanted)
        if len(found.rows) < wanted:
            return found
        whole = int(np.searchsorted(-found.scores, -found.scores[-1]))
        if whole >= depth:
            return Ranking(found.rows[:whole], found.scores[:whole])
        wanted *= 4


def best_rows(ranking: Ranking, depth: int) -> Rows:
    """Every row that scores at least as much as the one at `depth`."""
    if len(ranking.rows) <= depth:
        return ranking.rows
    rows: Rows = ranking.rows[ranking.scores >= ranking.scores[depth - 1]]
    return rows


def evidence(rows: Rows, ranking: Ranking, sample: int, score: Callable[[list[int]], Vectors]) -> Evidence:
    """What a leg says of these rows; those that it did not find it is asked to `score`."""
    places = _places(rows, ranking)
    found = places >= 0
    scores = np.zeros(len(rows), dtype=np.float32)
    scores[found] = ranking.scores[places[found]]
    if not found.all():
        scores[~found] = score(rows[~found].tolist())
    return Evidence(scores, _ranks(places, ranking), ranking.scores[:sample])


def legs_of(rows: Rows, ranking: Ranking) -> list[Leg | None]:
    """Where the leg ranked each of these rows, and with what score."""
    places = _places(rows, ranking)
    ranks = _ranks(places, ranking)
    return [
        Leg(rank, float(ranking.scores[place])) if rank else None
        for rank, place in zip(ranks.tolist(), places.tolist(), strict=True)
    ]


def _ranks(places: Rows, ranking: Ranking) -> Rows:
    """One more than the number of rows with a higher score, int64; 0 for place -1."""
    ranks = np.zeros(len(places), dtype=np.int64)
    found = places >= 0
    ranks[found] = np.searchsorted(-ranking.scores, -ranking.scores[places[found]]) + 1
    return ranks


def _places(rows: Rows, ranking: Ranking) -> Rows:
    """Where in the ranking each of these rows is, int64; -1 for those that are not in it."""
    if not len(ranking.rows):
        return np.full(len(rows), -1, dtype=np.int64)
    order = np.argsort(ranking.rows)
    places = order[np.searchsorted(ranking.rows, rows, sorter=order).clip(max=len(order) - 1)]
    return np.where(ranking.rows[places] == rows, places, -1)
