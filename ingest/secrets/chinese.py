"""Passwords, keys and codes as Chinese notes give them: `密码：…`, `账号/密码 root/…`, `提取码: …`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.secrets.extent import value
from ingest.secrets.spans import Span
from ingest.secrets.tables import columns
from ingest.secrets.values import Family

_WORDS: tuple[tuple[str, Family], ...] = (
    ("密码", "password"),
    ("密碼", "password"),
    ("密 码", "password"),
    ("密\u3000码", "password"),
    ("PIN码", "password"),
    ("口令", "password"),
    ("账密", "password"),
    ("授权码", "password"),
    ("授權碼", "password"),
    ("密钥", "key"),
    ("密鑰", "key"),
    ("秘钥", "key"),
    ("密匙", "key"),
    ("令牌", "key"),
    ("私钥", "key"),
    ("提取码", "code"),
    ("访问码", "code"),
    ("分享码", "code"),
    ("提取密码", "code"),
    ("AK", "key"),
    ("SK", "key"),
)
_ACCOUNT = r"(?:账号|帐号|账户|帐户|用户名?|登录名|[Uu]ser(?:name|s)?|[Ll]ogin|[Aa]ccount)"
_PAIR = re.compile(rf"{_ACCOUNT}[ ]?(?:[/、,+&|和及与-][ ]?)?$")
_FIRST_OF_PAIR = re.compile(
    r"""(?:为|是|分别是|分别为|都是)?[ \t]{0,4}[:=]?[ \t]{0,4}["'`*]{0,2}+
    (?P<user>[A-Za-z0-9_.@+\-]{1,40}+)["'`*]{0,2}+(?:[ ]{0,2}[/／|,，、:][ ]{0,2}|[ ]{1,4})""",
    re.VERBOSE,
)
_AFTER = re.compile(
    r"""(?P<name>[A-Za-z0-9_]{0,12}+)
    (?:[ ]?[(（][^()（）\n]{0,30}+[)）])?
    ["'`*_\]】」）)]{0,4}+
    (?P<verb>[ ]?(?:已经?|暂时?|现在|目前|统一|初始|默认|重置|更新|修改|改|换|设置|设|定|都|还|就|仍
        |均|也|我|被|给|又|刚刚?|一直|一律|全部?)*+
        (?:成了?|为了?|是|叫|用|了|[见如]下|在下面))?
    (?P<sign>[ \t\u3000]{0,8}+(?::=|=>|->|={1,2}|[:→⇒|]|——?)[ \t\u3000]{0,8}+(?:\n{1,2}[ \t]{0,8}+)?)?
    (?P<gap>[ \t\u3000]{0,8}+)""",
    re.VERBOSE,
)
_CJK_NEXT = re.compile(r"[ ]?[\u4e00-\u9fff]")
_ABOUT = re.compile(r"(?:忘记|找回|重置|修改|确认|哈希|公)$")


def labelled(text: str) -> Iterator[Span]:
    """What Chinese words for a secret are followed by; `text` has its full-width `：` and `＝` folded."""
    seen: set[tuple[int, int]] = set()
    for word, family in _WORDS:
        at = text.find(word)
        while at >= 0:
            end = at + len(word)
            if not word.isascii() or _alone(text, at, end):
                yield from columns(text, at, family, seen)
                if (span := _one(text, at, end, family)) is not None:
                    yield span
            at = text.find(word, end)
    yield from _accounts(text)
    yield from _english_pairs(text)


def _accounts(text: str) -> Iterator[Span]:
    """`账号 root/abc123`, with no word for a password."""
    for word in ("账号", "帐号", "账户", "用户名"):
        at = text.find(word)
        while at >= 0:
            at += len(word)
            if (span := second_of_pair(text, at, sure=False)) is not None:
                yield span
            at = text.find(word, at)


def _alone(text: str, at: int, end: int) -> bool:
    """AK and SK are names of a cloud's two keys only by themselves and with a sign after them."""
    before, after = text[max(0, at - 1) : at], text[end : end + 3]
    return not re.match(r"[A-Za-z0-9_\-]", before) and re.match(r"[\"'`* ]{0,2}[:=|]", after) is not None


def _one(text: str, at: int, end: int, family: Family) -> Span | None:
    before = text[max(0, at - 12) : at]
    if _ABOUT.search(before):
        return None
    if family == "password" and _PAIR.search(before) and (span := second_of_pair(text, end)) is not None:
        return span
    after = _AFTER.match(text, end, end + 200)
    if after is None or re.search(r"hash|len", after["name"], re.IGNORECASE):
        return None
    if after.end() == after.end("name"):  # nothing between word and value
        return value(text, end, family, firm=False, telling=True)
    firm = after["sign"] is not None or after["verb"] is not None
    span = value(text, after.end(), family, firm=firm, telling=True)
    if span is None or (
        "\n" in after.group() and not text[span.end : span.end + 3].strip("`*\"' ").startswith("\n")
    ):
        return _boxed(text, span)
    number = text[span.start : span.end].isdigit()  # 密码 123456 个: a count
    return None if number and not firm and _CJK_NEXT.match(text, span.end) else span


_REST = re.compile("[`*\"' \n]*+\\Z")


def _boxed(text: str, span: Span | None) -> Span | None:
    """A value alone on the line below its word; at the end of the text no line end follows."""
    return span if span is not None and _REST.match(text, span.end) else None


def second_of_pair(text: str, at: int, *, sure: bool = True) -> Span | None:
    """The password of `root/abc123` or `admin Abc@123` at `at`."""
    first = _FIRST_OF_PAIR.match(text, at, at + 120)
    if first is None or not (sure or "/" in text[first.end("user") : first.end()]):
        return None
    span = value(text, first.end(), "password", firm=sure, telling=sure)
    return span if span is None or text[span.start : span.end] != first["user"] else None


_ENGLISH_PAIR = re.compile(
    r"""(?:(?:user(?:[ ]?name)?|login|account|id)[ ]?[/&+][ ]?(?:pass(?:word|wd)?|pwd|pw)
    |(?:credentials?|creds?|login)(?![a-z]))
    (?:[ ](?:are|is|for[ ][\w.\-]{1,30}))?[ ]?(?:\([^()\n]{0,30}\)[ ]?)?(?=:|=)""",
    re.VERBOSE | re.IGNORECASE,
)


def _english_pairs(text: str) -> Iterator[Span]:
    for anchor in ("ser", "SER", "ogin", "OGIN", "red", "RED", "ccount"):
        at = text.find(anchor)
        while at >= 0:
            begin = at - 1 if at else 0
            match = _ENGLISH_PAIR.match(text, begin, begin + 120)
            if match and (span := second_of_pair(text, match.end())) is not None:
                yield span
            at = text.find(anchor, at + len(anchor))
