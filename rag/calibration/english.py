"""Questions in English: from headings, from sentences that define a term, from a sentence's rare words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rag.calibration.english_words import (
    AFTER_ORDER,
    CLEAR_ORDERS,
    GENERIC_TITLES,
    HOLLOW,
    NO_ADVERBS,
    NO_OBJECT,
    OPENERS,
    ORDERS,
    PRONOUNS,
    WEAK,
)
from rag.text import STOP_WORDS, terms

_ARTICLE = re.compile(r"^(?:an?|the|some|more|simple)\s+", re.IGNORECASE)
_ASKS = re.compile(
    r"^(?:how|what|why|when|where|which|who|whose|can|could|do|does|did|is|are|should|will|would|may)\b",
    re.IGNORECASE,
)
_YOUR = re.compile(r"\byour\b")

_WORD = re.compile(r"[^\W_](?:[\w.+#@/'’-]*[\w+#])?")
_TERM = r"(?P<term>[A-Za-z][\w.+#/’'-]*(?: (?:of |for )?[\w.+#/’'-]+){0,4}?)"
_GLOSS = r"(?: \([^()]{1,60}\))?"
_NAMED = rf"^(?:The term |The word )?[\"“]?{_TERM}[\"”]?"
_DEFINITIONS = (
    (re.compile(rf"{_NAMED}{_GLOSS} stands for (?!itself)\w"), "stand"),
    (re.compile(rf"{_NAMED}{_GLOSS} refers? to (?!it|this)\w"), "refer"),
    (re.compile(rf"{_NAMED} means (?!that|you|we|it|there|if)\w"), "mean"),
    (re.compile(rf"^(?P<article>An? ){_TERM}{_GLOSS} is (?:an?|the|any)\b \w"), "is"),
    (re.compile(rf"^(?P<article>The ){_TERM}{_GLOSS} is an?\b \w"), "is"),
    (re.compile(rf"^{_TERM}{_GLOSS} is (?:an?|any|the (?:process|practice|art|name|set))\b \w"), "is"),
    (re.compile(rf"^{_TERM}{_GLOSS} are (?!the same)(?:the|any|small|special)\b \w+ \w"), "are"),
)
_SAYS = {"stand": "stand for", "refer": "refer to", "mean": "mean"}
_NO_DEFINITION = re.compile(
    r"\b(?:is|are) (?:a (?:bit|little|lot|good|great|bad|must|pity|common|very|similar|valid|mistake)"
    r"|an? (?:important|example|easy|excellent|ideal|alternative|obvious|optional|good|key|core|powerful|big|"
    r"straightforward|huge|small|normal|separate|regular|whole|special case|subset|copy|direct|critical|"
    r"natural|new|great|simple|different|much|rather|fairly|better|nice|useful|potential|major|number|"
    r"matter|result|challenge|problem|scarce)"
    r"|the (?:same|one|only|first|second|last|next|most|best|default|key|reason)\b)"
)


def is_generic(title: str) -> bool:
    """Whether the heading names a part of any text rather than a subject."""
    return _ARTICLE.sub("", title.casefold()).strip(" .:!?-") in GENERIC_TITLES


def heading_question(title: str, parent: str) -> str | None:
    """A question in the heading's own words, with its parent's where those are few; None for none.

    A heading that asks stays as it is; one that orders ("Create a task") is asked after with "How do I".
    """
    words = _WORD.findall(title)
    if not 1 <= len(words) <= 14:
        return None
    if title.endswith("?") or (_ASKS.match(title) and len(words) >= 3):
        return title if len(terms(title)) >= 2 else _within(title, parent)
    asked = _ordered(title, words)
    if len(set(terms(title))) >= 4 or (asked and len(set(terms(title))) >= 3):
        return asked or title
    return _within(asked or title, parent)


def _ordered(title: str, words: list[str]) -> str | None:
    first, second = words[0].casefold(), words[1].casefold() if len(words) > 1 else ""
    clear = first in CLEAR_ORDERS and second and second not in NO_OBJECT and title[len(words[0])] == " "
    if first in ORDERS and (second in AFTER_ORDER or clear):
        rest = _YOUR.sub("my", title[len(words[0]) :].rstrip(" .:!"))
        return f"How do I {first}{rest}?"
    return None


def _within(title: str, parent: str) -> str | None:
    """The heading and what it belongs to; None where together they still say too little."""
    own, outer = set(terms(title)), set(terms(parent))
    if not parent or outer <= own or is_generic(parent) or "?" in parent:
        return title if len(own) >= 2 else None
    if len(own) == 0 or len(_WORD.findall(parent)) > 8:
        return None
    return f"{parent}: {title}"


@dataclass(frozen=True, slots=True)
class Definition:
    """A term as its sentence writes it, the article before it or "", and the verb that defines it."""

    term: str
    article: str
    verb: str


def definition(plain: str) -> Definition | None:
    """What the sentence defines, or None."""
    if _NO_DEFINITION.search(plain[:120]):
        return None
    for pattern, verb in _DEFINITIONS:
        found = pattern.match(plain)
        if found and (term := _term(found["term"])):
            article = (found.groupdict().get("article") or "").lower()
            if verb == "is" and article == "the " and " " not in term:
                return None
            return Definition(term, article, verb)
    return None


def _term(words: str) -> str | None:
    found = words.split()
    folded = [word.casefold() for word in found]
    inner = [word for word in folded if word not in ("of", "for")]
    wrong = not found or len(found) > 4 or any(w in STOP_WORDS or w in PRONOUNS for w in inner)
    if wrong or folded[-1] in HOLLOW or folded[0] in HOLLOW or len("".join(found)) < 3:
        return None
    if folded[0] in OPENERS or (len(found) > 1 and folded[0].endswith(("ing", "ly"))):
        return None
    if any(character in words for character in "/'’"):
        return None
    return " ".join(found)


def definition_question(made: Definition, words: Mapping[str, int], code: Collection[str]) -> str:
    """A question as "What is a middleware?"; `words` counts how often each word stands inside sentences.

    A word that opened the sentence loses its capital where it is otherwise written without, unless it
    is one of the sentence's words in `code`.
    """
    first, _, rest = made.term.partition(" ")
    if (
        first not in code
        and first[1:].islower()
        and words.get(first.lower(), 0) >= words.get(first, 0)
        and first[:1].isupper()
    ):
        first = first.lower()
    shown = f"{first} {rest}".strip()
    if made.verb in _SAYS:
        return f"What does {shown} {_SAYS[made.verb]}?"
    return f"What {made.verb} {made.article}{shown}?"


_SPLIT = re.compile(r"[^\w.+#@/'’ -]+|(?<!\w)[-./']+|[-./']+(?!\w)|\s-+\s")
_NUMBER = re.compile(r"^[\d.,:/+-]*\d[\w.,:/%+-]*$")
_IDENTIFIER = re.compile(r"[_./@#=<>{}]|[a-z][A-Z]|^--")
_ROMAN = re.compile(r"^[ivx]{2,}$")
# What leans on the sentence before: a question from it alone would not stand.
_LEANS = re.compile(
    r"^(?:this|that|these|those|it|its|they|their|he|she|but|and|so|or|then|also|here|there|now|note|as you|"
    r"as we|in this|for example|for instance|after that|because of this|let|let's|yes|no|such|both|another|"
    r"you (?:can|could|will|might|may|should) (?:also|see|read|find)|we (?:also|will|can|just|now)|remember|"
    r"read|see|check)\b",
    re.IGNORECASE,
)


def leans(plain: str) -> bool:
    """Whether the sentence says what it is about only together with the one before."""
    return bool(_LEANS.match(plain))


# What turns to a sentence and is no part of it.
_TURN = re.compile(
    r"^(?:(?:on|in|at|by|for|as|of|with) )?(?:the |this |that |these |some |many |most |other |one |a )*"
    r"(?:hand|end|fact|cases?|words?|way|default|general|particular|addition|contrast|practice|time|course|"
    r"point|moment|summary|result|example|short|turn|hence|thus|however|finally|similarly|likewise),? ",
    re.IGNORECASE,
)


def phrases(plain: str, code: Collection[str]) -> list[str]:
    """Runs of words that say something, in reading order; numbers are left out: they are the answer.

    So are identifiers and code: a question that names them would be a plain search for them.
    """
    found: list[str] = []
    plain = _TURN.sub("", plain)
    for piece in sorted(code, key=lambda each: (-len(each), each)):
        if not re.fullmatch(r"[A-Za-z]+", piece):
            plain = plain.replace(piece, " , ")
    for stretch in _SPLIT.split(plain):
        run: list[str] = []
        for word in [*stretch.split(), ""]:
            bare = word.strip(".,'’-/")
            if bare and _says(bare):
                run.append(bare)
            elif run:
                found.append(" ".join(run[-3:]))
                run = []
    return found


def _says(word: str) -> bool:
    folded = word.casefold().replace("’", "'")
    plain = folded.partition("'")[0]
    return not (
        folded in STOP_WORDS
        or plain in STOP_WORDS
        or folded in WEAK
        or (len(word) < 3 and not word.isupper())
        or (folded.endswith("ly") and folded not in NO_ADVERBS)
        or _ROMAN.match(word)
        or _NUMBER.match(word)
        or _IDENTIFIER.search(word)
        or "'" in folded
    )
