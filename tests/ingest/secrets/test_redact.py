"""What redaction does to a text, and what it must never do."""

# ruff: noqa: E501 - a sample is one line of a note
from __future__ import annotations

import logging
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.secrets.find import PLACEHOLDER, find
from ingest.secrets.redact import _places, apply
from rag.errors import SettingError

KEY = bytes(range(32))
VALUES = """Zhang@1987 ghp_a8Fk2LqPz7Wn4RtYv9Xc3Bm6Jd5Hs1Ge0TuQ 11010519491231002X AKIAQ3EGUYTRW2MNBVX5
9f3c7a1e5b2d8064c1e7f3a95d2b8c60 LTAI5tQr7YwPz2KdVn3MxBcT""".split()
FORMS = """密码：{}|password: {}|账号/密码 root/{}|api_key="{}"|postgres://app:{}@db1.corp.cn/x|{}|用户名 root 口令 {} 。
| 密码 | {} ||<password>{}</password>|Bearer {}""".replace("\n| ", "|\n| ").split("|")


def notes() -> st.SearchStrategy[str]:
    secret = st.tuples(st.sampled_from(FORMS), st.sampled_from(VALUES)).map(
        lambda pair: pair[0].format(pair[1])
    )
    other = st.text(alphabet="ab1 :=/@|\n`\"'-密码：，0x[]é") | st.sampled_from(
        ["密码", "token ", "redacted:", "[redacted:"]
    )
    return st.lists(secret | other, max_size=8).map("".join)


def spaced() -> st.SearchStrategy[tuple[str, list[str]]]:
    """Secrets each on its own line, and their values."""
    line = st.tuples(
        st.sampled_from(["密码：{}", "password: {}", "token = {}", "a://b:{}@c.cn"]), st.sampled_from(VALUES)
    )
    return st.lists(line, min_size=1, max_size=6).map(
        lambda lines: ("\n".join(form.format(value) for form, value in lines), [value for _, value in lines])
    )


@settings(deadline=None, max_examples=300)
@given(notes())
def test_redacting_again_changes_nothing(text: str) -> None:
    once = apply(text, "redact", KEY)
    assert find(once.text) == []
    assert apply(once.text, "redact", KEY).text == once.text


@settings(deadline=None, max_examples=300)
@given(notes())
def test_nothing_outside_the_secrets_changes(text: str) -> None:
    done = apply(text, "redact", KEY)
    pieces, at = [], 0
    for one in done.found:
        pieces.append(text[at : one.start])
        at = one.end
    pieces.append(text[at:])
    pattern = r"\[redacted:[a-z0-9-]+:[0-9a-f]{6}\]".join(map(re.escape, pieces))
    assert re.fullmatch(pattern, done.text)


@settings(deadline=None, max_examples=300)
@given(notes())
def test_offsets_move_in_order_and_keep_their_characters(text: str) -> None:
    done = apply(text, "redact", KEY)
    moved = [done.moved(offset) for offset in range(len(text) + 1)]
    assert moved == sorted(moved)
    assert (moved[0], moved[-1]) == (0, len(done.text))
    inside = {at for one in done.found for at in range(one.start, one.end)}
    for offset, to in enumerate(moved[:-1]):
        assert offset in inside or text[offset] == done.text[to]


@settings(deadline=None, max_examples=200)
@given(spaced())
def test_no_value_is_left_in_text_report_or_log(case: tuple[str, list[str]]) -> None:
    text, values = case
    done = apply(text + f"\n又见 {values[0]} 一次", "redact", KEY)
    shown = done.text + repr(done) + str(done) + repr(done.found)
    assert not [value for value in values if value in shown]


def test_a_value_found_by_its_label_is_replaced_where_it_stands_alone_too() -> None:
    done = apply("密码：Zhang@1987\n\n登录时输入 Zhang@1987 即可，不是 Zhang@19870。", "redact", KEY)
    assert len(done.found) == 2
    assert [one.line for one in done.found] == [1, 3]
    assert done.text.endswith("即可，不是 Zhang@19870。")


def test_a_plain_number_is_not_replaced_elsewhere() -> None:
    assert apply("密码：88886666\n电话 88886666", "redact", KEY).text.endswith("电话 88886666")


def test_one_secret_has_one_placeholder_in_every_file_of_an_index_and_another_in_another() -> None:
    marks = [
        PLACEHOLDER.search(apply(text, "redact", key).text)
        for text, key in [("密码：Zhang@1987", KEY), ("pwd=Zhang@1987;", KEY), ("密码：Zhang@1987", b"other")]
    ]
    first, second, third = [mark.group() if mark else "" for mark in marks]
    assert first == second
    assert first != third
    assert first.startswith("[redacted:password:")


def test_flagging_reports_and_leaves_the_text() -> None:
    done = apply("a\n密码：Zhang@1987", "flag", KEY)
    assert done.text == "a\n密码：Zhang@1987"
    assert [(one.kind, one.line) for one in done.found] == [("password", 2)]
    assert done.moved(4) == 4


def test_skipping_gives_no_text_only_where_something_was_found() -> None:
    assert apply("密码：Zhang@1987", "skip", KEY).skipped
    assert apply("密码：Zhang@1987", "skip", KEY).text == ""
    assert apply("密码请找管理员", "skip", KEY).text == "密码请找管理员"
    assert not apply("密码请找管理员", "skip", KEY).skipped


def test_a_wrong_policy_or_an_empty_key_is_refused_without_naming_the_text() -> None:
    for policy, key in [("mask", KEY), ("redact", b"")]:
        with pytest.raises(SettingError) as raised:
            apply("密码：Zhang@1987", policy, key)  # type: ignore[arg-type]
        assert "Zhang" not in str(raised.value)


def test_nothing_is_logged_or_printed(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        apply("密码：Zhang@1987\n" + "postgres://app:n0tSoGood@db1.corp.cn", "redact", KEY)
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_every_place_of_a_value_is_replaced_however_many_there_are_of_both() -> None:
    """Each value searched through the text by itself, and its lines counted anew, this would take an hour."""
    values = [f"sk-live-{number:05}-{number * 7919 % 100_003:06}xYzQ" for number in range(6000)]
    text = "".join(f'password = "{value}"\n' for value in values) + "\n".join(values * 4)
    redacted = apply(text, "redact", b"key")
    assert len(redacted.found) == 5 * len(values)
    assert [each.line for each in redacted.found] == list(range(1, 5 * len(values) + 1))
    assert not any(value in redacted.text for value in values[::500])


@given(
    st.lists(
        st.sampled_from(
            ["Xk9mQ2w7Zt", "aXk9mQ2w7Zt", "$Xk9mQ2w7Zt$", "Xk9-mQ2w7Zt", "mQ2w7Zt", "-", " ", "a", "密"]
        )
    )
)
def test_a_value_is_replaced_again_only_where_it_stands_by_itself(parts: list[str]) -> None:
    values = ["Xk9mQ2w7Zt", "$Xk9mQ2w7Zt$", "Xk9-mQ2w7Zt"]
    text = "".join(parts)
    expected = {
        (match.start(), value)
        for value in values
        for match in re.finditer(rf"(?<![A-Za-z0-9])(?={re.escape(value)}(?![A-Za-z0-9]))", text)
    }
    assert set(_places(text, values)) == expected
