"""Questions in Chinese: from headings, from sentences that define a term, from a sentence's rare phrases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import pairwise

from rag.calibration.chinese_words import FUNCTION, GENERIC_TITLES, HOLLOW, ORDERS, STRONG, WHOLE
from rag.text import CJK_CHARACTER, terms

_ASKS = re.compile(
    r"什么|怎么|怎样|如何|为何|为啥|哪[个些里种]|谁|是否|能否|可否|吗[？?]?$|呢[？?]?$|多少|[？?]$|几[个种]"
)
_ORDER = re.compile("|".join(ORDERS))
# A noun's verb at its front is no order: 「测试数据」「训练误差」「部署概念」「返回类型」.
_NOUNS = re.compile(
    r"(?:概念|误差|类型|数据|集|方式|方法|过程|阶段|函数|模型|工具|效果|问题|原理|步骤|选项|参数|文件|环境|策略|算法|设备|报告|"
    r"结果|日志|顺序|状态|器|率|层|性|图)$"
)
_LISTS = re.compile(r"(?:一览|说明|指南|列表|清单|概览|概述|示例|介绍)$")
# These are verbs whatever follows.
_VERBS = re.compile(
    r"创建|添加|增加|安装|导入|引入|声明|定义|编写|构建|删除|移除|获取|查看|覆盖|排除|自定义|禁用|启用|挂载|避免|捕获"
)


def _orders(title: str) -> bool:
    noun = _LISTS.search(title) or (_NOUNS.search(title) and not _VERBS.match(title))
    return len(title) >= 4 and bool(_ORDER.match(title)) and not noun


_HAN = CJK_CHARACTER.pattern
_LATIN = r"[A-Za-z][A-Za-z0-9.+#-]*"
_TERM = rf"(?P<term>(?:{_LATIN}(?: {_LATIN}){{0,2}} ?)?{_HAN}{{0,10}}[A-Za-z0-9]{{0,6}})"
_GLOSS = r"(?: ?[（(][^（）()]{1,60}[）)])?"
_GLOSSED = r" ?[（(](?P<gloss>[A-Za-z][^（）()]{1,50})[）)]"
_KIND = "一种|一个|一类|一套|一项|一组|一门|一系列|一款|一段|一条|某种|指|用来|用于"
_DEFINITIONS = (
    re.compile(rf"^所谓的?[“「]?{_TERM}[”」]?{_GLOSS}[，,]?(?:就)?(?:是|指)(?!否)"),
    re.compile(
        rf"^(?:术语)?[“「]?{_TERM}[”」]?{_GLOSS}(?:指的是|是指|的意思是|的定义是|定义为|被定义为|的含义是)"
    ),
    re.compile(rf"^(?:一个)?[“「]?{_TERM}[”」]?{_GLOSS} ?(?:就)?是 ?(?:{_KIND})"),
    re.compile(
        rf"^[“「]?{_TERM}[”」]?{_GLOSSED} ?(?:就)?是"
        r"(?!否|不|因为|由于|如何|怎|什么|这样|很|非常|比较|最|通过|在|为了)"
    ),
)
# Characters no term has: pronouns, particles, connectives and the verbs a clause would bring in.
_NO_TERM = re.compile(
    r"[的了这那它他她我你您此其该每某另吗呢吧啊都也就很最更还又再和与及但而若]|我们|如果|因为|所以|虽然|可以|需要|应该|"
    r"这里|那么|之后|之前|然后|首先|其次|最后|下面|上面|以下|以上|通常|例如|比如|当然|其实|事实上|有时|现在|今天|当时|"
    r"不|没有|必须|能够|只|才|让|被|把|会|使用|有一|存在|本[节章书文]|包含|叫做|称为|说法|目前|同样|作为|对于|关于|通过|许多|由|什么|如何|刚好|正好|恰好|本身|本质|大多|大部分|使|在.*[上下中里]$|^(?:学习|训练|通过|当|从|由|对|为|在|如|因)"
)
# A heading that is a clause of its own goes with no noun before it.
_CLAUSE = re.compile(
    r"^[从在用将把为向对给由以当不被带让有无]|^(?:通过|直接|更|关于|基于|使用|来自)|[：:，,的]"
)


def is_generic(title: str) -> bool:
    """Whether the heading names a part of any text rather than a subject."""
    return title.strip(" ：:。.！!") in GENERIC_TITLES


def heading_question(title: str, parent: str) -> str | None:
    """A question in the heading's own words, with its parent's where those are few; None for none.

    A heading that asks stays as it is; one that orders is asked after with 如何.
    """
    bare = title.strip(" ：:。.！!")
    if not 2 <= len(bare) <= 30:
        return None
    if _ASKS.search(bare):
        return bare if len(set(terms(bare))) >= 4 else _within(bare, parent, asks=True)
    ordered = _orders(bare)
    if len(set(terms(bare))) >= 6:
        return f"如何{bare}？" if ordered else bare
    return _within(f"如何{bare}？" if ordered else bare, parent, asks=ordered)


def _within(title: str, parent: str, *, asks: bool) -> str | None:
    parent = parent.strip(" ：:。.！!")
    if not parent or len(parent) > 20 or is_generic(parent) or _ASKS.search(parent) or parent in title:
        return title if len(CJK_CHARACTER.findall(title)) >= 4 or len(title.split()) >= 3 else None
    if title in parent:
        return None
    if asks or _ORDER.match(parent) or _CLAUSE.search(title) or re.search(r"[：:，,、的中]", parent):
        return f"{parent}：{title}"
    joined = f"{parent}中的{title}"
    return (
        re.sub(rf"(?<={_HAN})中的(?=[A-Za-z`])", "中的 ", joined)
        if parent[-1] > "\u007f"
        else f"{parent} 中的{title}"
    )


def definition(plain: str) -> str | None:
    """The term that a sentence defines, or None."""
    for pattern in _DEFINITIONS:
        if found := pattern.match(plain):
            term = found["term"].strip()
            gloss = found.groupdict().get("gloss")
            long_enough = len(term) >= 2 and (CJK_CHARACTER.search(term) or len(term) >= 3)
            if long_enough and not _NO_TERM.search(term) and term not in HOLLOW and not term[0].isdigit():
                return term
            if gloss and not term:
                return None
    return None


def definition_question(term: str) -> str:
    """「什么是 X？」, with a space where X begins in Latin letters."""
    before = " " if term[0].isascii() else ""
    return f"什么是{before}{term}？"


_CUT = re.compile(f"(?:{'|'.join(WHOLE)})|(?P<function>{'|'.join(FUNCTION)})")
_RUN = re.compile(rf"{_HAN}+|[A-Za-z][A-Za-z0-9+#-]*(?: [A-Z][A-Za-z0-9+#-]*)*")
_IDENTIFIER = re.compile(
    r"[A-Za-z0-9./:-]*(?:[_@=<>{}]|://|\.(?=[a-z]))[A-Za-z0-9_@=<>{}./:-]*|--?[a-z][\w-]*"
)
_SHORTEST, _LONGEST = 2, 6
# Occurrences that make a pair a word, and accessors that make a border.
_OFTEN, _VARIETY = 3, 3
_ENOUGH: frozenset[str | int] = frozenset(range(_VARIETY))
_LEANS = re.compile(
    r"^(?:这|那|它|他|她|此|其|该|因此|但|所以|而|并|然后|例如|比如|接下来|下面|以下|同样|另外|此外|不过|当然|现在|注意|请|如前|如上|"
    r"换句话说|在这|在本|本节|本章|我们将|我们已|让我们|你(?:也|还|将)|也|还|和|与|或)"
)


def leans(plain: str) -> bool:
    """Whether the sentence says what it is about only together with the one before."""
    return bool(_LEANS.match(plain))


class Phrases:
    """Finds phrases in Chinese sentences without a dictionary, from what else the corpus says.

    A border that is no punctuation and no plain particle is taken for one between words only if
    different characters stand beyond it elsewhere: the accessor variety of Feng, Chen, Deng and Zheng,
    "Accessor variety criteria for Chinese word extraction", Computational Linguistics 30 (2004).
    """

    def __init__(self, sentences: Iterable[str]) -> None:
        self._text = "\n".join(sentences)
        self._pairs = Counter(a + b for a, b in pairwise(self._text))
        self._free = cache(self._count_free)

    def phrases(self, plain: str, code: Collection[str]) -> list[str]:
        """Phrases of 2 to 6 characters, and Latin words, in reading order; no numbers, no identifiers.

        Those are what the question asks for; so is what stood as `code`, unless it is a plain word.
        """
        for piece in sorted(code, key=lambda each: (-len(each), each)):
            if not re.fullmatch(r"[A-Za-z]+", piece):
                plain = plain.replace(piece, "，")
        cut = _CUT.sub(_marked, _IDENTIFIER.sub("，", plain))
        found: list[str] = []
        for run in _RUN.finditer(cut):
            if not CJK_CHARACTER.match(run[0]):
                found += [run[0]] if len(run[0]) >= 3 else []
                continue
            pieces = list(self._divide(run[0]))
            for at, piece in enumerate(pieces):
                left = at == 0 and cut[run.start() - 1 : run.start()] != _SOFT
                right = at == len(pieces) - 1 and cut[run.end() : run.end() + 1] != _SOFT
                word = len(piece) > _SHORTEST or (left and right) or self._pairs[piece] >= _OFTEN
                if len(piece) >= _SHORTEST and word and self._whole(piece, left=left, right=right):
                    found.append(piece)
        return found

    def _whole(self, piece: str, *, left: bool, right: bool) -> bool:
        free = (True, True) if left and right else self._free(piece)
        return (left or free[0]) and (right or free[1])

    def _count_free(self, piece: str) -> tuple[bool, bool]:
        """Whether three different characters, or the end of a clause, stand before it; and after it."""
        before: set[str | int] = set()
        after: set[str | int] = set()
        at = self._text.find(piece)
        while at >= 0 and not (len(before) >= _VARIETY and len(after) >= _VARIETY):
            before |= _beyond(self._text[at - 1 : at])
            after |= _beyond(self._text[at + len(piece) : at + len(piece) + 1])
            at = self._text.find(piece, at + 1)
        return len(before) >= _VARIETY, len(after) >= _VARIETY

    def _divide(self, run: str) -> Iterator[str]:
        """Cut what is too long where neighbours met least often, which is where words meet."""
        if len(run) <= _LONGEST:
            yield run
            return
        places = range(_SHORTEST, len(run) - _SHORTEST + 1)
        at = min(
            places, key=lambda place: (self._pairs[run[place - 1 : place + 1]], abs(place - len(run) / 2))
        )
        yield from self._divide(run[:at])
        yield from self._divide(run[at:])


_HARD, _SOFT = "\0", "\1"


def _marked(found: re.Match[str]) -> str:
    if not found["function"]:
        return found[0]
    return _HARD if len(found[0]) > 1 or found[0] in STRONG else _SOFT


def _beyond(character: str) -> frozenset[str | int]:
    """What stands beyond a border; punctuation makes it one by itself."""
    return (
        frozenset({character})
        if CJK_CHARACTER.match(character) and character not in "的了是在和与"
        else _ENOUGH
    )
