"""How sensible bytes are as text in each of the encodings met most: double-byte Asian ones, Windows-1252.

Every reading gives each character a weight in [0, 1] by where it stands in the character set: GB 2312,
Big5, JIS X 0208 and KS X 1001 all list everyday characters apart from rare ones, and a wrong reading
lands among the rare ones.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass

SURE, PROBABLE = 0.75, 0.6

# The most frequent characters of running text, Simplified and Traditional.
_EVERYDAY = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实"
    "日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政"
    "美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员"
    "解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件"
    "计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象"
    "完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运配置文件器"
    "这個們來為國說時會對過發後裡種經現當沒動還進樣開從實軍無與長機關點業將兩間問並應戰頭體見產話給門東聲"
    "員論處義幾認條系氣題爾別變總電數報結務場計許統區隊決馬書聽卻達強難權設記類據邊張該規萬覺術領確傳師觀"
    "讓識帶導爭運請號碼頁網圖檔項選單輸錄參測試數據模型函數変量訓練層網絡"
)
_SIGNS = frozenset("°×÷±−≥≤≠≈→←↑↓∈∑√∞αβγδεηθλμπρστφχψωΔΣΩ─│├└┌┐┘┤●■★①②③")
_MARKS_OF_PROSE = frozenset("，。、；：？！“”‘’（）《》「」『』【】—…·～　％／")
WESTERN_MARKS = frozenset("‘’“”–—…•€£¥°§©®™«»·×÷±²³¹½¼¾ºª¿¡µ†‡‰‹›„‚\u00a0")


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding by its Python name, and how well the text reads in it: in [0, 1]."""

    encoding: str
    score: float
    characters: int

    @property
    def certainty(self) -> str:
        """For people: "sure", "probable" or "a guess"; a few characters prove little."""
        if self.score >= SURE and self.characters >= 8:
            return "sure"
        return "probable" if self.score >= PROBABLE and self.characters >= 4 else "a guess"


def score(data: bytes, encoding: str) -> float:
    """How well the bytes read in one of the encodings known here, in [0, 1]; 0 where they do not."""
    found = READINGS[encoding](data)
    return found.score if found else 0.0


def decoded(data: bytes, encoding: str) -> tuple[str, int]:
    """The text and how many characters of it are errors; a character cut off at the end is none."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(data)
    return text, text.count("\ufffd")


def _double_byte(
    encoding: str, weigh: Callable[[str], float], few: int = 1
) -> Callable[[bytes], Guess | None]:
    """A reading in a double-byte encoding; of fewer characters than about `few` it proves nothing."""

    def read(data: bytes) -> Guess | None:
        text, errors = decoded(data, encoding)
        beyond = [each for each in text if each > "\x7f" and each != "\ufffd"]
        if not beyond or errors > 0.05 * len(beyond):
            return None
        count = len(beyond)
        total = sum(map(weigh, beyond)) - 3 * errors
        return Guess(encoding, max(0.0, total / count) * count / (count + few), count)

    return read


def gb(character: str) -> float:
    if character in _EVERYDAY or character in _MARKS_OF_PROSE:
        return 1.0
    if character in _SIGNS:
        return 0.8
    return _placed(character, "gb2312", 0xB0, 0xD7, marks=(0xA1, 0xA9), kana=0.2)


def _placed(
    character: str, charset: str, first: int, last: int, *, marks: tuple[int, int], kana: float
) -> float:
    """Weight by the lead byte: everyday characters stand from `first` to `last`, symbols in `marks`."""
    try:
        code = character.encode(charset)
    except UnicodeEncodeError:
        return 0.1
    if "\u3040" <= character <= "\u30ff":
        return kana
    if first <= code[0] <= last:
        return 0.85
    return 0.6 if marks[0] <= code[0] <= marks[1] else 0.25


def big5(character: str) -> float:
    if character in _EVERYDAY or character in _MARKS_OF_PROSE:
        return 1.0
    return _placed(character, "big5", 0xA4, 0xC6, marks=(0xA1, 0xA3), kana=0.2)


def _japanese(character: str) -> float:
    if "\uff61" <= character <= "\uff9f":
        return 0.1  # half-width katakana: nearly any byte reads as one
    if character in _MARKS_OF_PROSE:
        return 1.0
    # JIS X 0208 level 1 stands in rows 0x30-0x4F, which EUC-JP shifts by 0x80.
    return _placed(character, "euc_jp", 0xB0, 0xCF, marks=(0xA1, 0xA8), kana=1.0)


def _hangul(character: str) -> float:
    if not "\uac00" <= character <= "\ud7a3":
        return 0.6 if character in _MARKS_OF_PROSE else 0.1
    return 0.97 if len(character.encode("euc_kr")) == 2 else 0.3  # the 2,350 of KS X 1001, or a made-up one


def _western(data: bytes) -> Guess | None:
    """Accented letters stand inside words among ASCII ones; words of them alone are another encoding."""
    text, errors = decoded(data, "cp1252")
    at = [index for index, each in enumerate(text) if each > "\x7f"]
    if not at or errors:
        return None
    total = sum(_western_weight(text, index) for index in at)
    return Guess("cp1252", total / len(at), len(at))


def _western_weight(text: str, index: int) -> float:
    character = text[index]
    before = text[index - 1] if index else "\n"
    after = text[index + 1 : index + 2] or "\n"
    if character in "¡¿":
        return 0.85 if before in ' \n("' and after.isalpha() else 0.1
    if character in WESTERN_MARKS:
        return 0.85 if (before <= "\x80" and after <= "\x80") or character == "\u00a0" else 0.4
    if not character.isalpha():
        return 0.1
    if character.islower():
        beside = (before.isascii() and before.isalpha()) or (
            after.isascii() and after.isalpha() and (before.isascii() or before.isalpha())
        )
        alone = before < "\x80" and after < "\x80"
        return 1.0 if beside else 0.7 if alone else 0.3
    if after.isascii() and after.isalpha():
        return 0.95 if before < "\x80" else 0.3
    return 0.6 if before < "\x80" and after < "\x80" else 0.1


READINGS: dict[str, Callable[[bytes], Guess | None]] = {
    "gb18030": _double_byte("gb18030", gb, few=0),
    "big5hkscs": _double_byte("big5hkscs", big5),
    "cp932": _double_byte("cp932", _japanese),
    "euc_jp": _double_byte("euc_jp", _japanese),
    # Hangul has the lead bytes of half the everyday Chinese characters.
    "cp949": _double_byte("cp949", _hangul, few=2),
    "cp1252": _western,
}
