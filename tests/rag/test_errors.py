"""Failures: every kind is one that a user may see."""

from __future__ import annotations

from rag import errors


def test_every_kind_is_a_rag_error_with_a_word_on_who_must_act() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    assert len(kinds) > 5
    for kind in kinds:
        assert issubclass(kind, errors.RagError)
        assert kind.__doc__
        assert str(kind("one line")) == "one line"
