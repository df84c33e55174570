"""Numbers that carry their own proof: resident identity numbers and payment cards."""

from __future__ import annotations

from datetime import date

# GB 11643-1999: weights 2^(17-i) mod 11 of the first seventeen digits, and the check characters of
# ISO 7064 MOD 11-2 by the remainder of the weighted sum.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
# GB/T 2260: the first two digits name the province or region.
_REGIONS = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 "
    "50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()
)
# First two to four digits and the lengths issued under them (ISO/IEC 7812 issuer ranges).
_LENGTHS: dict[str, tuple[int, ...]] = {
    "62": (16, 17, 18, 19),
    "4": (16, 19),
    "34": (15,),
    "37": (15,),
    "6011": (16, 19),
    "65": (16, 19),
    "9558": (19,),
}
_LENGTHS |= {str(prefix): (16,) for prefix in (*range(51, 56), *range(2221, 2721))}
_LENGTHS |= {str(prefix): (16, 19) for prefix in range(3528, 3590)}
# Published for trying payments out; they belong to nobody.
_TEST_CARDS = frozenset(
    """4111111111111111 4242424242424242 4000000000000002 4012888888881881 4000056655665556
    5555555555554444 5105105105105100 5200828282828210 2223003122003222 378282246310005
    371449635398431 6011111111111117 6011000990139424 3530111333300000 3566002020360505
    6200000000000005 6200000000000047 6205500000000000004""".split()
)
_EARLIEST = 1890


def resident_id(number: str) -> bool:
    """Whether 18 characters are a Chinese resident identity number: region, birth date, check character."""
    number = number.upper()
    if len(number) != 18 or not number[:17].isdigit() or number[:2] not in _REGIONS:
        return False
    if not _birth_date(number[6:14]):
        return False
    return _CHECKS[sum(int(d) * w for d, w in zip(number, _WEIGHTS, strict=False)) % 11] == number[17]


def old_resident_id(number: str) -> bool:
    """Whether 15 digits are an identity number as issued before 1999; it has no check character."""
    return (
        len(number) == 15 and number.isdigit() and number[:2] in _REGIONS and _birth_date("19" + number[6:12])
    )


def _birth_date(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return born.year >= _EARLIEST and born <= date.today()


def luhn(number: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1 annex B."""
    total = 0
    for place, character in enumerate(reversed(number)):
        digit = int(character) * (1 + place % 2)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def bank_card(number: str) -> bool:
    """Whether 15 to 19 digits are a payment card: issuer range, its lengths, Luhn; no published test card."""
    if number in _TEST_CARDS or len(set(number)) < 4:
        return False
    issued = any(len(number) in _LENGTHS.get(number[:size], ()) for size in (1, 2, 4))
    return issued and luhn(number)
