"""Answer text in which nothing is active: no link, image or HTML, and no address of anybody's invention.

Answers are plain text and the page shows them as such; this is for whoever renders them as Markdown or
HTML all the same. Quotes are left exact: they are the documents' words, and never rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# [label]: target, which makes a link of [label] elsewhere.
_DEFINITION = re.compile(r"^([^\S\n]*(?:[>*+-][^\S\n]*)*)\[([^\]\n]*)\]\s*:", re.MULTILINE)
# Elements of HTML, anything with an attribute, comments, and <https://...>.
_TAG = re.compile(
    r"<(?=[!?/]|(?:a|area|audio|b|base|body|br|button|center|details|dialog|div|embed|font|form|frame|frameset"
    r"|h[1-6]|head|hr|html|i|iframe|img|input|link|map|marquee|math|meta|noscript|object|p|param|picture|pre"
    r"|script|select|source|span|style|svg|table|template|textarea|title|track|u|ul|video|xml|xss)(?![\w-])"
    r"|[A-Za-z][^<>]*[=/]|[A-Za-z][A-Za-z0-9+.-]*:)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{0,40}:)?//[^\s<>\"'`＜，。；、）】」》]+|\bwww\.[^\s<>\"'`＜，。；、）】」》]+"
    r"|\b(?:mailto|javascript|vbscript|data|tel|blob):[^\s<>\"'`＜，。；、）】」》]+"
    r"|(?<![\w-])(?<![\w-]\.)(?:[\w-]+\.)+[a-z]{2,}/[^\s<>\"'`＜，。；、）】」》]*",
    re.IGNORECASE,
)
# Unicode's format characters (general category Cf).
_FORMAT = re.compile(
    "[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
_LOCAL_LINK = re.compile(
    r"`[^`\n]*`|(?<!!)\[(?P<words>(?:[^\[\]\n]|`[^`\n]*`)+)\]\((?:[^():\s]*[/#]|[^():\s]+\.\w+)[^():\s]*\)"
)
_GOES_ON = re.compile(r"[\w/?#&=%-]")
_TRAILING = ".,;:!?)]}*_"
REMOVED = "…"


def inactive(text: str, passages: Iterable[str]) -> str:
    """The text without invisible characters, with its links and tags broken and unknown addresses gone.

    A bracket is put apart from what would make it a link, `<` of a tag becomes full-width, and an address
    that stands in none of the passages becomes an ellipsis. What it returns it leaves as it is.
    """
    known = [visible(passage) for passage in passages]
    plain = visible(text)
    plain = _ADDRESS.sub(lambda found: _known(found.group(), known), plain)
    plain = _TAG.sub("＜", plain)
    plain = _DEFINITION.sub(r"\1［\2］:", plain)
    return plain.replace("](", "] (")


def unlinked(text: str) -> str:
    """The text with the words alone of links that lead to another file or place of their own documents.

    Such a target means nothing away from its file. Inline code stays as it is.
    """
    return _LOCAL_LINK.sub(lambda found: found.group() if found["words"] is None else found["words"], text)


def visible(text: str) -> str:
    """The text without format characters: zero-width ones, marks of direction, tags."""
    return text if text.isascii() else _FORMAT.sub("", text)


def _known(address: str, passages: Iterable[str]) -> str:
    bare = address.rstrip(_TRAILING)
    # Whole, for it may be the passage's own question mark that follows.
    forms = dict.fromkeys((address, bare)) if bare else ()
    if any(_stands(form, passage) for form in forms for passage in passages):
        return address
    return REMOVED + address[len(bare) :]


def _stands(address: str, passage: str) -> bool:
    """Whether the passage has the address, and not as the beginning of another."""
    at = passage.find(address)
    while at >= 0 and _GOES_ON.match(passage, at + len(address)):
        at = passage.find(address, at + 1)
    return at >= 0
