"""Identity and card numbers among the digits of a text.

Mobile numbers are not looked for: they are contact data, and notes are searched for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.secrets.checksums import bank_card, old_resident_id, resident_id
from ingest.secrets.spans import Span

# Whole numbers only: no part of a longer number, of a decimal or of an identifier. Digits run on, or are
# grouped as on a card (4-4-4-4, 4-6-5) or as in an identity number (6-8-4).
_FOURS = (
    r"[0-9]{4}(?:(?: [0-9]{4}){3}(?: [0-9]{1,3})?|(?:-[0-9]{4}){3}(?:-[0-9]{1,3})?"
    r"|[ \-][0-9]{6}[ \-][0-9]{5})"
)
_RUN = re.compile(
    rf"(?<![0-9A-Za-z._\-/#])(?:(?P<grouped>{_FOURS})|[0-9]{{6}}[ \-][0-9]{{8}}[ \-][0-9]{{3}}[0-9Xx]"
    r"|[0-9]{14,19}+[Xx]?)(?![0-9A-Za-z_]|[.\-][0-9])"
)
_LABEL = re.compile(
    r"card|visa|master|unionpay|amex|iban|卡|银联|信用|储蓄|账号|帐号|账户|开户|收款", re.IGNORECASE
)
_ID_LABEL = re.compile(r"身份证|证件|id ?(?:card|no|number)", re.IGNORECASE)
_NEAR = 40


def numbers(text: str) -> Iterator[Span]:
    """Resident identity numbers and bank cards; `text` has ASCII digits only (full-width ones folded).

    A UnionPay number (62...) counts anywhere; another issuer's only in groups of four or with a
    word for a card shortly before it, because one in ten of all numbers passes the checksum.
    """
    for match in _RUN.finditer(text):
        written = match.group()
        digits = written.replace(" ", "").replace("-", "")
        if resident_id(digits):
            yield Span("resident-id", match.start(), match.end())
        elif digits.isdigit():
            before = text[max(0, match.start() - _NEAR) : match.start()]
            if len(digits) == 15 and _ID_LABEL.search(before) and old_resident_id(digits):
                yield Span("resident-id", match.start(), match.end())
            elif bank_card(digits) and _written_as_card(match, digits, before):
                yield Span("bank-card", match.start(), match.end())


def _written_as_card(match: re.Match[str], digits: str, before: str) -> bool:
    if match["grouped"] or _LABEL.search(before):
        return True
    return digits.startswith("62")
