"""The statistics agree with independent computations and keep what their definitions promise."""

from __future__ import annotations

import itertools
import math
import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.stats import (
    bootstrap_interval,
    holm,
    minimum_detectable_effect,
    paired,
    randomisation_test,
)

TRIALS = 20_000
RNG = np.random.default_rng(7)
SMALL = [
    [0.3],
    [0.1, -0.2, 0.4],
    [0.5, 0.25, -0.25, 0.0, 0.0, 1.0],  # many sign changes tie with what was observed
    [0.2] * 8,
    [*map(float, RNG.normal(0.15, 0.3, 11).round(2))],
    [*map(float, RNG.normal(0.4, 0.3, 12))],
]
LARGER = [[*map(float, RNG.normal(0.1, 0.3, 15))], [*map(float, RNG.normal(0.15, 0.3, 15).round(1) + 0.05)]]
numbers = st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=1, max_size=40)
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=30)
seeds = st.integers(0, 2**32)


def _exact(differences: list[float]) -> float:
    """The share of all 2^n ways to sign the differences whose mean is as far from zero as observed."""
    observed = abs(math.fsum(differences))
    signings = list(itertools.product((1, -1), repeat=len(differences)))
    sums = (math.fsum(s * d for s, d in zip(signs, differences, strict=True)) for signs in signings)
    return sum(abs(each) >= observed - 1e-9 for each in sums) / len(signings)


@pytest.mark.parametrize("differences", SMALL)
def test_where_there_are_few_queries_p_is_exact_and_no_matter_of_the_seed(differences: list[float]) -> None:
    for trials in (TRIALS, 2 ** sum(each != 0 for each in differences)):
        for seed in (0, 1):
            assert randomisation_test(differences, trials=trials, seed=seed) == _exact(differences)


@pytest.mark.parametrize("differences", LARGER)
def test_the_randomisation_test_agrees_with_trying_every_sign(differences: list[float]) -> None:
    """Five standard errors of a share estimated from that many trials, and the +1 of the estimate."""
    assert 2 ** len(differences) > TRIALS
    exact = _exact(differences)
    error = 5 * math.sqrt(exact * (1 - exact) / TRIALS) + 1 / TRIALS
    assert randomisation_test(differences, trials=TRIALS, seed=1) == pytest.approx(exact, abs=error)


def test_the_randomisation_test_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for mean in (0.0, 0.01, 0.03):
        differences = np.random.default_rng(3).normal(mean, 0.2, 300)
        theirs = stats.permutation_test(
            (differences,),
            np.mean,
            permutation_type="samples",
            n_resamples=TRIALS,
            random_state=np.random.default_rng(0),
        ).pvalue
        ours = randomisation_test(differences, trials=TRIALS, seed=0)
        assert ours == pytest.approx(
            theirs, abs=5 * math.sqrt(2 * theirs * (1 - theirs) / TRIALS) + 2 / TRIALS
        )


def test_the_bootstrap_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(3).beta(0.5, 0.5, 200)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=TRIALS, method="percentile", random_state=np.random.default_rng(0)
    ).confidence_interval
    ours = bootstrap_interval(values, trials=TRIALS, seed=0)
    assert ours == pytest.approx(tuple(theirs), abs=0.002)


def test_the_bootstrap_covers_the_true_mean_about_as_often_as_it_says() -> None:
    """200 samples of 100 at 90 %: fewer than 165 or more than 194 would be a one in a thousand event."""
    rng = np.random.default_rng(11)
    covered = 0
    for seed in range(200):
        low, high = bootstrap_interval(rng.beta(2, 3, 100), level=0.9, trials=500, seed=seed)
        covered += low <= 0.4 <= high
    assert 165 <= covered <= 194


def test_no_change_gives_uniform_p_values() -> None:
    """Of 400 comparisons of equals, p <= 0.2 in a fifth, give or take four standard errors."""
    rng = np.random.default_rng(5)
    small = sum(
        randomisation_test(rng.normal(0, 0.2, 50), trials=499, seed=seed) <= 0.2 for seed in range(400)
    )
    assert abs(small - 80) <= 4 * math.sqrt(400 * 0.2 * 0.8)


def test_means_equal_but_for_rounding_count_as_extreme() -> None:
    """0.1 + 0.2 and 0.3 differ in their last bit; every signing of equal sizes is as extreme or zero."""
    assert randomisation_test([0.1 + 0.2, -0.3], trials=99, seed=0) == 1.0
    assert randomisation_test([1e-17] * 300, trials=99, seed=0) == 1.0
    assert randomisation_test([0.0] * 5, trials=99, seed=0) == 1.0


def test_p_is_never_zero() -> None:
    assert randomisation_test([0.5] * 200, trials=999, seed=0) == 1 / 1000


def test_large_sets_are_tested_in_bounded_memory() -> None:
    values = np.random.default_rng(0).normal(0, 1, 5000)
    tracemalloc.start()
    try:
        randomisation_test(values, trials=10_000, seed=0)
        bootstrap_interval(values, trials=10_000, seed=0)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20  # 5,000 x 10,000 numbers would be 400 MB
    finally:
        tracemalloc.stop()


def test_trials_beyond_one_block_are_all_counted() -> None:
    """Every sum is as good as zero, so p is 1; a block that was lost would lower it."""
    assert randomisation_test([1e-17] * 30, trials=3_000_000, seed=0) == 1.0


def test_holm_gives_the_values_worked_out_by_hand() -> None:
    """.01 x 4 = .04; .02 x 3 = .06; .03 x 2 = .06; .04 x 1 stays at the .06 before it."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]


def test_the_detectable_effect_is_the_one_in_the_tables() -> None:
    """The quantiles: 1.95996 + 0.84162 at 5 % and 80 % power, 2.57583 + 1.28155 at 1 % and 90 %."""
    assert minimum_detectable_effect(0.2, 300, alpha=0.05) == pytest.approx(
        2.80158 * 0.2 / 300**0.5, abs=1e-6
    )
    assert minimum_detectable_effect(0.2, 300, alpha=0.01, power=0.9) == pytest.approx(
        3.85738 * 0.2 / 300**0.5, abs=1e-6
    )
    assert minimum_detectable_effect(0.0, 10) == 0.0


def test_a_loss_of_the_detectable_size_is_found_four_times_of_five() -> None:
    """150 draws with that mean: 80 % found, give or take four standard errors."""
    rng = np.random.default_rng(2)
    effect = minimum_detectable_effect(0.2, 200, alpha=0.05)
    found = sum(
        randomisation_test(rng.normal(effect, 0.2, 200), trials=999, seed=seed) <= 0.05 for seed in range(150)
    )
    assert abs(found - 120) <= 4 * math.sqrt(150 * 0.8 * 0.2)


def test_a_pair_of_systems_is_summed_up() -> None:
    found = paired([1.0, 0.5, 0.5, 0.0], [0.0, 0.5, 0.5 + 1e-12, 0.25], seed=0, trials=999)
    assert (found.wins, found.ties, found.losses, found.queries) == (1, 2, 1, 4)
    assert (found.mean_a, found.mean_b) == pytest.approx((0.5, 0.3125))
    assert found.difference == pytest.approx(0.1875)
    assert found.interval[0] <= found.difference <= found.interval[1]
    deviation = float(np.std([1.0, 0, 0, -0.25], ddof=1))
    assert found.minimum_detectable == pytest.approx(minimum_detectable_effect(deviation, 4))
    strict = paired([1.0, 0.5, 0.5, 0.0], [0.0, 0.5, 0.5, 0.25], seed=0, alpha=0.01)
    assert strict.minimum_detectable == pytest.approx(minimum_detectable_effect(deviation, 4, alpha=0.01))


def test_what_cannot_be_detected_is_unknown_without_any_difference() -> None:
    assert paired([0.5, 1.0], [0.5, 1.0], seed=0, trials=9).minimum_detectable is None
    assert paired([0.5], [0.25], seed=0, trials=9).minimum_detectable is None


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, 0.0], [[0.1, 0.2]]])
def test_nothing_or_no_number_is_refused(values: npt.ArrayLike) -> None:
    given_values = np.asarray(values, dtype=np.float64)
    with pytest.raises(ValueError, match="statistics need"):
        randomisation_test(given_values, trials=9, seed=0)
    with pytest.raises(ValueError, match="statistics need"):
        bootstrap_interval(given_values, trials=9, seed=0)
    with pytest.raises(ValueError, match="statistics need"):
        holm(given_values)  # type: ignore[arg-type]


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="paired"):
        paired([0.1, 0.2], [0.1], seed=0)
    with pytest.raises(ValueError, match="trials"):
        randomisation_test([0.1], trials=0, seed=0)
    with pytest.raises(ValueError, match="level"):
        bootstrap_interval([0.1], level=1.0, trials=9, seed=0)
    with pytest.raises(ValueError, match="p-value"):
        holm([0.5, 1.1])
    with pytest.raises(ValueError, match="no effect"):
        minimum_detectable_effect(0.1, 0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        minimum_detectable_effect(0.1, 5, alpha=0.0)


@settings(deadline=None)
@given(differences=numbers, seed=seeds)
def test_p_is_a_probability_that_ignores_sign_and_scale_and_depends_on_the_seed_alone(
    differences: list[float], seed: int
) -> None:
    p = randomisation_test(differences, trials=200, seed=seed)
    assert 0 < p <= 1
    assert randomisation_test(differences, trials=200, seed=seed) == p
    assert randomisation_test([-each for each in differences], trials=200, seed=seed) == p


@settings(deadline=None)
@given(differences=numbers, zeros=st.integers(0, 20), seed=seeds)
def test_queries_without_a_difference_do_not_move_p(differences: list[float], zeros: int, seed: int) -> None:
    padded = [*differences, *[0.0] * zeros]
    with_zeros, without = (randomisation_test(each, trials=200, seed=seed) for each in (padded, differences))
    assert with_zeros == without or abs(sum(differences)) < 1e-9


@settings(deadline=None)
@given(values=numbers, seed=seeds)
def test_an_interval_lies_within_the_values_and_depends_on_the_seed_alone(
    values: list[float], seed: int
) -> None:
    low, high = bootstrap_interval(values, trials=500, seed=seed)
    assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12
    assert bootstrap_interval(values, trials=500, seed=seed) == (low, high)
    narrow = bootstrap_interval(values, level=0.5, trials=500, seed=seed)
    assert low <= narrow[0] <= narrow[1] <= high


@settings(deadline=None)
@given(values=numbers, seed=seeds)
def test_an_interval_contains_the_mean(values: list[float], seed: int) -> None:
    low, high = bootstrap_interval(values, trials=500, seed=seed)
    assert low - 1e-12 <= sum(values) / len(values) <= high + 1e-12


@given(value=st.floats(-1, 1), count=st.integers(1, 50))
def test_equal_values_give_an_interval_without_width(value: float, count: int) -> None:
    assert bootstrap_interval([value] * count, trials=10, seed=0) == (value, value)


@given(p=probabilities)
def test_holm_only_raises_p_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert all(old <= new <= 1 for old, new in zip(p, adjusted, strict=True))
    for (old, new), (other, raised) in itertools.combinations(zip(p, adjusted, strict=True), 2):
        assert new <= raised if old <= other else new >= raised
    assert min(adjusted) == min(1.0, min(p) * len(p))


@given(p=probabilities, alpha=st.floats(0.001, 0.2))
def test_holm_rejects_what_the_stepwise_procedure_rejects(p: list[float], alpha: float) -> None:
    """Step down from the smallest p; stop at the first that exceeds alpha / (how many are left)."""
    rejected = set()
    order = sorted(range(len(p)), key=lambda place: p[place])
    for step, place in enumerate(order):
        if p[place] * (len(p) - step) > alpha:
            break
        rejected.add(place)
    assert {place for place, adjusted in enumerate(holm(p)) if adjusted <= alpha} == rejected
