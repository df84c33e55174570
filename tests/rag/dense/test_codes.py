"""Codes keep what they are made from, as nearly as their bits allow."""

from __future__ import annotations

import numpy as np
import pytest

from rag.dense._codes import nibbles_of, padded, signs_of
from rag.types import Vectors


def made(count: int, width: int) -> Vectors:
    return padded(np.random.default_rng(2).normal(size=(count, width)).astype(np.float32))


@pytest.mark.parametrize("width", [64, 100, 384])
def test_signs_stand_bit_by_bit_and_are_scaled_to_the_vectors_own_product(width: int) -> None:
    vectors = made(50, width)
    words, factors = signs_of(vectors)
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little").astype(bool)
    assert np.array_equal(bits, vectors > 0)
    about = np.where(bits, 1, -1) * factors[:, None]
    assert np.einsum("ij,ij->i", about, vectors) == pytest.approx(np.sum(vectors**2, axis=1), rel=1e-5)


@pytest.mark.parametrize("width", [64, 384])
def test_four_bits_a_component_leave_out_one_part_in_eighty(width: int) -> None:
    vectors = made(200, width)
    codes, steps = nibbles_of(vectors)
    levels = np.concatenate([codes & 15, codes >> 4], axis=1).astype(np.float32) - 7.5
    about = levels * steps[:, None]
    assert np.einsum("ij,ij->i", about, vectors) == pytest.approx(np.sum(vectors**2, axis=1), rel=1e-5)
    assert np.mean((about - vectors) ** 2) / np.mean(vectors**2) == pytest.approx(0.0117, abs=0.0015)


def test_a_vector_of_zeros_is_coded_as_nothing() -> None:
    nothing = np.zeros((1, 64), np.float32)
    assert signs_of(nothing)[1].tolist() == nibbles_of(nothing)[1].tolist() == [0.0]
