"""What a language model is told, and how its reply is read.

One template file per language (rag/prompts/en.txt, zh.txt); the question's language chooses, so the
answer comes back in it. Passages are fenced with a word that occurs in none of them, and the marks
by which chat models separate roles are broken up, so that a document's text stays a document's text.
So are the earlier turns of a conversation where a follow-up is to be rewritten (rewrite_en.txt, -zh.txt).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeAlias

from rag.errors import SettingError
from rag.protocols.models import History, OnText
from rag.text import CJK_CHARACTER, STOP_WORDS, fold, normalise
from rag.types import Draft, Hit

Language: TypeAlias = Literal["en", "zh"]
Message: TypeAlias = dict[str, str]

REFUSALS: dict[Language, str] = {"en": "The documents do not say.", "zh": "文档中没有说明。"}
_NO_PASSAGE: dict[Language, str] = {"en": "no passage was retrieved", "zh": "没有检索到任何段落"}
_NOT_IN_PASSAGES: dict[Language, str] = {
    "en": "the model found no answer in the passages",
    "zh": "模型在检索到的段落里没有找到答案",
}
PLACEHOLDERS = ("fence", "passages", "question", "refusal")
REWRITTEN_TOKENS = 96  # what a rewritten question may take

_LATIN_WORD = re.compile(r"[A-Za-z]+")
_SECTION = re.compile(r"^\[(system|user)\][ \t]*$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# The role and end marks of the common chat formats; a server's tokenizer would take them for its own.
_ROLE_MARK = re.compile(
    r"<\|[^<>|\s]{1,40}\|>|<｜[^<>｜]{1,40}｜>|</?s>|\[/?(?:INST|SYSTEM_PROMPT)\]|<</?SYS>>"
    r"|<(?:start|end)_of_turn>|<(?:bos|eos|pad)>|</?(?:think|tool_call|tool_response)>"
)
_THOUGHT = re.compile(r"\A.*?</think>", re.DOTALL)
_OPEN_THOUGHT = re.compile(r"\A\s*<think>.*\Z", re.DOTALL)
_MARKER = re.compile(r"[\[【][\d\s,，、]+[\]】]")
_WRAPPING = " \t\n*_`\"'“”「」.。!！"


def language(question: str) -> Language:
    """The language to answer in: Chinese where the question has CJK text that is not mere quotation.

    An English sentence about a Chinese word ("What does 量化 mean?") is English; a Chinese question
    full of product names is Chinese.
    """
    characters = len(CJK_CHARACTER.findall(question))
    words = [word.casefold() for word in _LATIN_WORD.findall(question)]
    quoted = len(words) >= characters and not STOP_WORDS.isdisjoint(words)
    return "zh" if characters and not quoted else "en"


def refusal(question: str) -> str:
    """The sentence that says the documents hold no answer, in the question's language."""
    return REFUSALS[language(question)]


def is_refusal(text: str) -> bool:
    """Whether the reply is the refusal and nothing more, give or take quotes, stops, case and markers."""
    bare = fold(_MARKER.sub("", text)).strip(_WRAPPING)
    return any(bare == fold(sentence).strip(_WRAPPING) for sentence in REFUSALS.values())


def messages(
    question: str,
    hits: Sequence[Hit],
    *,
    template: Path | None = None,
    reserved: Iterable[str] = (),
) -> list[Message]:
    """A system and a user message; passages count from [1] in the order of `hits`.

    Hits that follow each other in their document stand together, in its order, each with its own number.
    `template` replaces the file of the language: a file, or a folder with en.txt, zh.txt or both.
    `reserved` are strings the model's tokenizer treats as marks of its own; they are broken up in
    passages and question, as the common ones always are.
    Raises SettingError for a template that is missing, unreadable or lacks a part.
    """
    spoken = language(question)
    parts = _template(template, spoken)
    passages = [(number, _defuse(_passage(hit, before), reserved)) for number, hit, before in _joined(hits)]
    asked = _defuse(question, reserved)
    fence = _fence([asked, *(passage for _, passage in passages)])
    values = {
        "fence": fence,
        "passages": "\n\n".join(
            f"[{number}]\n<<<{fence}\n{passage}\n{fence}>>>" for number, passage in passages
        ),
        "question": asked,
        "refusal": REFUSALS[spoken],
    }
    return [{"role": role, "content": _fill(text, values)} for role, text in parts.items()]


def rewriting(question: str, history: History, *, reserved: Iterable[str] = ()) -> list[Message]:
    """A system and a user message that ask for `question` as one that stands on its own."""
    marks = tuple(reserved)
    name = f"rewrite_{language(question)}.txt"
    parts = _sections(f"rag/prompts/{name}", (files("rag") / "prompts" / name).read_text(encoding="utf-8"))
    turns = [f"{_one_line(asked)}\n{_one_line(answer)}" for asked, answer in history]
    values = {"history": _defuse("\n\n".join(turns), marks), "question": _defuse(question, marks)}
    values["fence"] = _fence([values["history"], values["question"]])
    return [{"role": role, "content": _fill(text, values)} for role, text in parts.items()]


def read_rewritten(reply: str) -> str:
    """The question in a model's reply to `rewriting`: its first line, without quotation marks."""
    lines = read_reply(reply, {}).text.splitlines()
    return lines[0].strip(' \t"“”「」*') if lines else ""


def read_reply(reply: str, usage: dict[str, int]) -> Draft:
    """The draft in a model's reply: what it thought aloud is left out; empty text if nothing remains."""
    text = _OPEN_THOUGHT.sub("", _THOUGHT.sub("", normalise(reply), count=1)).strip()
    abstained = is_refusal(text)
    reason = _NOT_IN_PASSAGES[language(text)] if abstained else None
    return Draft(text=text, abstained=abstained, reason=reason, usage=usage)


def nothing_found(question: str, on_text: OnText | None = None) -> Draft:
    """The draft where there is no passage to answer from: no model needs to be asked."""
    if on_text is not None:
        on_text(refusal(question))
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "passages_left_out": 0}
    reason = _NO_PASSAGE[language(question)]
    return Draft(text=refusal(question), abstained=True, reason=reason, usage=usage)


def _joined(hits: Sequence[Hit]) -> list[tuple[int, Hit, int | None]]:
    """The hits best first, but each with the neighbours it has among them, in their document's order:
    its number, the hit, and the number of the hit that it continues.
    """
    places: dict[tuple[str, int], int] = {}
    for number, hit in enumerate(hits, 1):
        places.setdefault((hit.chunk.document_id, hit.chunk.ordinal), number)
    found: dict[int, tuple[int, Hit, int | None]] = {}
    for number, hit in enumerate(hits, 1):
        document, ordinal = hit.chunk.document_id, hit.chunk.ordinal
        if places[document, ordinal] != number:  # the same chunk once more
            found[number] = (number, hit, None)
        if number in found:
            continue
        while (document, ordinal - 1) in places:
            ordinal -= 1
        before = None
        while (at := places.get((document, ordinal))) is not None:
            found[at] = (at, hits[at - 1], before)
            before, ordinal = at, ordinal + 1
    return list(found.values())


def _passage(hit: Hit, before: int | None = None) -> str:
    # The source line stands inside the fence: names and headings come from documents too.
    chunk = hit.chunk
    page = f", page {chunk.page}" if chunk.page is not None else ""
    source = " > ".join([chunk.document_id, *chunk.heading]) + page
    continues = f"Continues [{before}]. " if before is not None else ""
    return f"{continues}Source: {' '.join(source.split())}\n{chunk.text.strip()}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _defuse(text: str, reserved: Iterable[str]) -> str:
    text = _ROLE_MARK.sub(_broken, text)
    for mark in reserved:
        if len(mark) > 1:
            text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


def _broken(mark: re.Match[str]) -> str:
    return f"{mark[0][0]} {mark[0][1:]}"


def _fence(texts: Sequence[str]) -> str:
    # Derived from all that it must not occur in: nobody who writes a document can know it beforehand,
    # and the same prompt comes out the same every time.
    joined = "\0".join(texts)
    attempt = 0
    while True:
        word = hashlib.sha256(f"{attempt}\0{joined}".encode("utf-8", "replace")).hexdigest()[:12]
        if word not in joined:
            return word
        attempt += 1


def _fill(text: str, values: dict[str, str]) -> str:
    # One pass: a placeholder written inside a passage stays what it is.
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _template(path: Path | None, spoken: Language) -> dict[str, str]:
    own = files("rag") / "prompts" / f"{spoken}.txt"
    name = f"rag/prompts/{spoken}.txt"
    try:
        source = own
        if path is not None and (not path.is_dir() or (path / f"{spoken}.txt").exists()):
            source = path / f"{spoken}.txt" if path.is_dir() else path
            name = str(source)
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"generator.template: cannot read {name}: {error}") from error
    parts = _sections(name, text)
    _check(name, parts)
    return parts


def _sections(name: str, text: str) -> dict[str, str]:
    pieces = _SECTION.split(text)
    parts = {role: body.strip() for role, body in zip(pieces[1::2], pieces[2::2], strict=True)}
    if list(parts) != ["system", "user"] or pieces[0].strip():
        raise SettingError(f"generator.template: {name} must have a line [system], then a line [user]")
    return parts


def _check(name: str, parts: dict[str, str]) -> None:
    for wanted in ("passages", "question"):
        if f"{{{wanted}}}" not in parts["user"]:
            raise SettingError(f"generator.template: {name} has no {{{wanted}}} under [user]")
    for found in _PLACEHOLDER.findall(parts["system"] + parts["user"]):
        if found not in PLACEHOLDERS:
            valid = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            raise SettingError(f"generator.template: {name} has {{{found}}}; valid: {valid}")
