"""What a question asks for beyond the words it shares with its answer, such as what something is, and what
answers hardly any question whatever words it shares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag import text
from rag.generators._quoting.units import Unit

_DEFINES = 0.3  # of worth: what a definition gains where one is asked for
_AMISS = 0.5  # what bare code, an exercise or a reference to other texts loses where none is asked for
_REPLIES = 1.0  # what is gained behind the question that is asked, as in lists of questions and answers
_LIKE = 0.5  # so much do two questions share, at least, that are the same
_LEADS_IN = 0.1  # what is lost by a colon behind which nothing follows

_TERM = r"[\w.+#'’/-]+(?: [\w.+#'’/-]+){0,3}"
_ASKED = re.compile(
    rf"^\W*(?:what|who) (?:is|are|was|were) (?:meant by )?(?:an? |the )?(?P<en>{_TERM})\W*$"
    rf"|^\W*what does (?:an? |the )?(?P<mean>{_TERM}) (?:mean|stand for)\W*$"
    r"|^\W*(?:什么|甚么|什麼|甚麼)(?:是|叫做?)\s*(?P<zh>[^，。？?的]{1,16}?)\s*[？?]*\s*$"
    r"|^\W*(?P<end>[^，。？?的]{1,16}?)\s*(?:是什么|是什麼|是指什么|指的?是什么|指什么|是什么意思)\s*[？?]*\s*$",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(r"\b(?:of|in|for|to|on|at|by|with|from|between|used|called|named)\b", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>\n]*>|\]\([^)\n]*\)|[*_`\[\]\"“”「」『』《》]")
_ASIDE = r"\s*(?:[(（][^()（）]{0,60}[)）]\s*)?"
_IS = (
    r"(?:,?\s*or [\w \"-]{1,40},?\s*)?(?:is|are|was|were|means?|refers? to|stands? for|denotes?|describes?)\b"
    r"|[，,]?\s*(?:就|也|通常|一般|即)?(?:是(?!否|不是)|指的?是|指|即|意味着|意为|定义为|全称|称为|又称)"
)
_NAMES = r"(?:called|known as|termed|referred to as|称为|稱為|叫做|叫作|称作|名为|即)\s*(?:an? |the )?"

_WANTS_TASKS = re.compile(r"\bexercises?\b|\bhomework\b|练习|練習|习题|習題|思考题|思考題", re.IGNORECASE)
_WANTS_CODE = re.compile(
    r"\bcode\b|\bexamples?\b|\bsnippets?\b|\bhow\b(?! (?:many|much|old|long|often|far|big|large|high|fast)\b)"
    r"|\bshow\b|\bwrite\b|\bimplement|\bsyntax\b|\bcommands?\b"
    r"|代码|代碼|程序|例子|示例|如何|怎[么麼样樣]|实现|實現|命令|语法|語法|[编編怎]写|写[出一个]",
    re.IGNORECASE,
)
_WANTS_MORE = re.compile(
    r"\bread\b|\bdoc(?:s|umentation)?\b|\blinks?\b|\burl\b|\bwebsite\b|参考|參考|阅读|閱讀|链接|連結|网址|網址|文档|文檔",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"^\W*(?:(?:you can |to )?(?:read|learn|find out|see)"
    r"(?: (?:more|also|further)\b|,? (?:for example,? )?(?:the )?\[)"
    r"|(?:for|find) (?:more|further|additional) (?:info|information|details|examples)\b"
    r"|(?:check|read)(?: out)? the \["
    r"|read (?:about|more|it|the docs)\b|(?:please )?refer to\b"
    r"|(?:请|請|可以?)?(?:参见|參見|参阅|參閱|查阅|查閱|详见|詳見|另见|另見|参考|參考)"
    r"|(?:想|要|如需|欲)?(?:了解|获取|查看)?(?:更多|详细|进一步)的?(?:信息|内容|细节|说明|详情|資訊|內容)|了解更多)",
    re.IGNORECASE,
)

_ASKING = re.compile(
    r"什么是|是什么|什[么麼]|甚[么麼]|[为為](?:什[么麼]|何)|怎[么麼样樣]样?|如何|哪[些个個里裡种種位]?|[谁誰]|多少|[几幾]"
    r"|何[时時]|[吗嗎呢]|请问|請問"
)


def without_asking(question: str) -> str:
    """The question without the Chinese words that ask: 什么是 holds 是, and so does every other sentence."""
    return _ASKING.sub("", question)


def suited(question: str, units: Sequence[Unit]) -> list[float]:
    """What each unit gains or loses, in worth, by what the question asks for and what the unit does."""
    subject = defined(question)
    wants_code = _WANTS_CODE.search(question) is not None
    wants_tasks = _WANTS_TASKS.search(question) is not None
    wants_more = _WANTS_MORE.search(question) is not None
    found = []
    terms = frozenset(text.terms(question))
    for unit in units:
        gain = _DEFINES * (subject is not None and defines(subject, unit.text))
        gain -= _AMISS * (unit.code and not wants_code) + _AMISS * (unit.task and not wants_tasks)
        gain -= _AMISS * (not wants_more and _POINTER.search(unit.text) is not None)
        gain -= _LEADS_IN * unit.text.endswith((":", "："))
        gain += _REPLIES * replies(terms, unit.asked)
        found.append(gain)
    return found


def replies(terms: frozenset[str], asked: str) -> float:
    """How much `asked` is the question of these index terms (Dice's coefficient), 0 if it is another."""
    own = frozenset(text.terms(asked)) if asked else frozenset[str]()
    alike = 2 * len(terms & own) / (len(terms) + len(own)) if own else 0.0
    return alike if alike >= _LIKE else 0.0


def defined(question: str) -> str | None:
    """What a question wants to have explained ("What is X?", 「什么是X？」), None for others."""
    found = _ASKED.match(" ".join(question.split()))
    if found is None:
        return None
    subject = next(part for part in found.groups() if part)
    return None if _PREPOSITION.search(subject) else subject


def defines(subject: str, sentence: str) -> bool:
    """Whether the sentence begins by saying what the subject is, or gives something its name."""
    plain = " ".join(_MARKUP.sub("", sentence).split())
    name = rf"{re.escape(subject)}(?:e?s)?"
    said = rf"^.{{0,24}}?(?<![\w]){name}{_ASIDE}(?:{_IS})|{_NAMES}{name}(?![A-Za-z])"
    if subject[:1] > "\u2e80":  # Chinese puts no space before a word
        said = said.replace(r"(?<![\w])", "")
    return bool(re.search(said, plain, re.IGNORECASE))
