"""Where long prose, code and formulas are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.splitters._pieces import formulas, lines, prose


def _cut(text: str, room: int = 60) -> list[str]:
    return [text[a:b] for a, b, _ in prose(text, 0, len(text), room, lambda a, b: (b - a + 3) // 4)]


def test_chinese_sentences_end_with_their_closing_quotes() -> None:
    assert _cut("他说：“好。”然后走了！真的？是的；对。") == [
        "他说：“好。”",
        "然后走了！",
        "真的？",
        "是的；",
        "对。",
    ]


def test_no_sentence_ends_inside_code_a_formula_or_a_link() -> None:
    for whole in ("$a! b$", "`a. b`", "[Why? Here](x)", r"\(a. b\)"):
        assert _cut(f"One {whole} two. Three.") == [f"One {whole} two.", " Three."]
    assert _cut("It is $5. That is $7. All.") == ["It is $5.", " That is $7.", " All."]


def test_a_sentence_too_long_is_cut_at_clauses_and_then_at_words() -> None:
    parts = _cut("one two three, four five six, seven eight nine ten eleven", 6)
    assert parts[0] == "one two three,"
    assert all(part.strip() in "one two three, four five six, seven eight nine ten eleven" for part in parts)


def test_lines_are_cut_most_cheaply_before_what_begins_a_new_definition() -> None:
    text = "def a():\n    x = 1\n\n    y = 2\n\ndef b(\n    z,\n):\n    pass\n"
    costs = {text[a:b].strip(): cut for a, b, cut in lines(text, 0, len(text), 60, lambda a, b: b - a)}
    assert min(costs, key=lambda line: costs[line]) == "y = 2"
    assert costs["x = 1"] < costs["def a():"]
    assert costs["z,"] == max(costs.values())


def test_a_formula_is_cut_after_its_rows() -> None:
    text = "$$\na = b \\\\\nc =\nd\n$$"
    costs = {text[a:b].strip(): cut for a, b, cut in formulas(text, 0, len(text), 9, lambda a, b: b - a)}
    assert min(costs, key=lambda line: costs[line]) == "a = b \\\\"


@given(text=st.text("ab. ，。\n$`x[]()", max_size=300), room=st.integers(1, 30))
def test_pieces_divide_the_text_wholly_and_have_room(text: str, room: int) -> None:
    for cut in (prose, lines, formulas):
        parts = list(cut(text, 0, len(text), room, lambda a, b: b - a)) if text else []
        assert "".join(text[a:b] for a, b, _ in parts) == text
        assert all(b - a <= room for a, b, _ in parts)
