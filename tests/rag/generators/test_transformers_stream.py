"""The local model writing piece by piece, stopping when nobody listens, and serving askers in order."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from rag.errors import Cancelled
from rag.generators import transformers as local
from rag.generators._turns import Turns
from rag.types import Chunk, Hit

TEXT = "The server needs CUDA 12."
PASSAGES = [Hit(Chunk("a.md", 0, TEXT, 0, len(TEXT), ("Setup",)), 1.0)]


def test_pieces_come_while_the_model_writes_and_are_the_text(tiny_model: Path) -> None:
    generator = local.build(str(tiny_model), max_new_tokens=24)
    pieces: list[str] = []
    draft = generator.generate("Why?", PASSAGES, on_text=pieces.append)
    assert len(pieces) > 8
    assert "".join(pieces) == draft.text
    assert draft == generator.generate("Why?", PASSAGES)


def test_a_character_of_several_tokens_comes_whole(tiny_model: Path) -> None:
    """The tiny model's gibberish is full of single bytes; those that make no character are replaced."""
    for question in ("为什么？", "需要什么？", "How?"):
        pieces: list[str] = []
        draft = local.build(str(tiny_model), max_new_tokens=40, temperature=3.0).generate(
            question, PASSAGES, on_text=pieces.append
        )
        assert "".join(pieces) == draft.text


def test_the_model_stops_within_a_token_of_the_event(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator: Any = local.build(str(tiny_model), max_new_tokens=1000)
    generator.warm()
    model = generator._loaded._model
    passes: list[int] = []
    forward = model.forward

    def counted(*args: Any, **options: Any) -> Any:
        passes.append(1)
        return forward(*args, **options)

    monkeypatch.setattr(model, "forward", counted)
    cancelled = threading.Event()
    pieces: list[str] = []

    def leave(piece: str) -> None:
        pieces.append(piece)
        if len(pieces) == 3:
            cancelled.set()
            passes.clear()

    with pytest.raises(Cancelled):
        generator.generate("Why?", PASSAGES, on_text=leave, cancelled=cancelled)
    assert len(passes) <= 1
    assert len(pieces) == 3


def test_a_reply_that_begins_within_the_thoughts_shows_none_of_them(tiny_model: Path, tmp_path: Path) -> None:
    """Some chat templates open <think> themselves; the tiny model never closes it."""
    import shutil

    from rag.errors import GeneratorError

    copy = tmp_path / "model"
    shutil.copytree(tiny_model, copy)
    template = copy / "chat_template.jinja"
    template.write_text(template.read_text(encoding="utf-8") + "<think>\n", encoding="utf-8")
    pieces: list[str] = []
    with pytest.raises(GeneratorError, match="empty answer"):
        local.build(str(copy), max_new_tokens=8).generate("Why?", PASSAGES, on_text=pieces.append)
    assert pieces == []


def test_turns_come_in_the_order_of_arrival() -> None:
    turns = Turns()
    order: list[int] = []
    threads = []
    with turns.turn():
        for number in range(8):

            def take(number: int = number) -> None:
                with turns.turn():
                    order.append(number)

            threads.append(threading.Thread(target=take))
            threads[-1].start()
            while turns.waiting <= number:
                pass
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_who_leaves_the_line_is_not_served_and_holds_nobody_up() -> None:
    turns = Turns()
    left, served = threading.Event(), threading.Event()
    cancelled = threading.Event()

    def leaves() -> None:
        try:
            with turns.turn(cancelled):
                served.set()
        except Cancelled:
            left.set()

    with turns.turn():
        thread = threading.Thread(target=leaves)
        thread.start()
        while not turns.waiting:
            pass
        cancelled.set()
        thread.join()
        assert left.is_set()
        assert not served.is_set()
        assert turns.waiting == 0
    with turns.turn(threading.Event()):
        assert turns.waiting == 0


def test_a_failure_during_a_turn_ends_the_turn() -> None:
    turns = Turns()
    with pytest.raises(KeyError), turns.turn():
        raise KeyError
    with turns.turn():
        assert turns.waiting == 0


def test_a_follow_up_is_rewritten_in_one_line(tiny_model: Path) -> None:
    """The tiny model writes gibberish, but on one line and from the prompt with the conversation."""
    generator: Any = local.build(str(tiny_model), max_new_tokens=8)
    written = generator.rewrite("and on Windows?", [("How do I install it?", "With make.")])
    assert "\n" not in written
    assert generator.rewrite("why? " * 3000, [("How?", "So.")]) == ""
