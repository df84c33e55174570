"""Notes as people keep them, in English and Chinese, with invented secrets at known places.

Every form of `secret_forms` is given a secret such as people, vendors and offices make, among lines that
hold none. Nothing here is anybody's secret.
"""

from __future__ import annotations

import base64
import json
import random
import string

from secret_forms import (
    ANYWHERE,
    BLOCKS,
    CARDS,
    CODES,
    FILLER,
    IDS,
    KEYS,
    PASSWORDS_EN,
    PASSWORDS_ZH,
    SECOND_KEYS,
    SECOND_PASSWORDS,
    THIRD_PASSWORDS,
    UNSEEN,
    URLS,
)

from ingest.secrets.checksums import luhn, resident_id

SEED = 20261123
HEX, ALNUM = "0123456789abcdef", string.ascii_letters + string.digits
URL64 = ALNUM + "-_"


def pick(rng: random.Random, alphabet: str, size: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(size))


def password(rng: random.Random) -> str:
    """What people and password generators choose."""
    word = rng.choice(
        "dragon summer monkey Shanghai liwei zhangsan wangfang Falcon kafka Berlin orchid xiaoming".split()
    )
    return rng.choice(
        [
            f"{word}{rng.randint(1, 2026)}",
            f"{word.capitalize()}@{rng.randint(100, 2026)}",
            f"{word}_{rng.randint(10, 99)}!",
            pick(rng, ALNUM + "!@#$%^&*-_+", 14) + "7",
            pick(rng, ALNUM, 10) + "4k",
            f"{rng.randint(100000, 99999999)}",
            f"{word[:2].upper()}#{rng.randint(1000, 9999)}{word[-2:]}",
            "-".join(rng.choice("otter ladder plume cobalt ridge velvet tundra".split()) for _ in range(4)),
            f"{word}{rng.choice(['qaz', 'wsx'])}",
        ]
    )


def token(rng: random.Random) -> str:
    """A token of a vendor's own shape."""
    upper = pick(rng, string.ascii_uppercase + "234567", 16)
    head = [_json64({"alg": "HS256", "typ": "JWT"}), _json64({"sub": _url(rng, 9), "iat": _time(rng)})]
    return rng.choice([f"AKIA{upper}", *_of_code(rng), *_of_models(rng, head), *_of_clouds(rng)])


def _of_code(rng: random.Random) -> list[str]:
    return [
        f"ghp_{_alnum(rng, 36)}",
        f"github_pat_{_alnum(rng, 22)}_{_alnum(rng, 59)}",
        f"glpat-{_url(rng, 20)}",
        f"xoxb-{rng.randint(10**11, 10**12)}-{_alnum(rng, 24)}",
    ]


def _of_models(rng: random.Random, head: list[str]) -> list[str]:
    """With a JSON web token, whose first two parts are given."""
    return [
        f"sk_live_{_alnum(rng, 24)}",
        f"sk-proj-{_url(rng, 48)}",
        f"sk-{pick(rng, HEX, 32)}",
        f"sk-ant-api03-{_url(rng, 93)}AA",
        f"hf_{_alnum(rng, 34)}",
        ".".join([*head, _url(rng, 43)]),
    ]


def _of_clouds(rng: random.Random) -> list[str]:
    return [
        f"LTAI5t{_alnum(rng, 18)}",
        f"AKID{_alnum(rng, 32)}",
        f"AIza{_url(rng, 35)}",
        f"npm_{_alnum(rng, 36)}",
        f"pypi-AgEIcHlwaS5vcmc{_url(rng, 100)}",
        f"SG.{_url(rng, 22)}.{_url(rng, 43)}",
        f"{rng.randint(10**8, 10**10 - 1)}:AA{_url(rng, 33)}",
        f"dop_v1_{pick(rng, HEX, 64)}",
        f"gsk_{_alnum(rng, 52)}",
        f"{_alnum(rng, 3)}8Q~{_url(rng, 34)}",
        f"glsa_{_alnum(rng, 32)}_{pick(rng, HEX, 8)}",
    ]


def _alnum(rng: random.Random, size: int) -> str:
    """Letters and digits, a digit among them."""
    return pick(rng, ALNUM, size - 2) + "7Q"


def _url(rng: random.Random, size: int) -> str:
    """Characters of an address, a digit among them."""
    return pick(rng, URL64, size - 2) + "3z"


def _time(rng: random.Random) -> int:
    return rng.randint(10**9, 2 * 10**9)


def _json64(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def key(rng: random.Random) -> str:
    """A key without a shape of its own."""
    groups = "-".join(pick(rng, HEX, n) for n in (8, 4, 4, 4, 12))
    return rng.choice(
        [
            pick(rng, HEX, 32),
            pick(rng, HEX, 64),
            pick(rng, ALNUM, 30) + "9x",
            groups,
            pick(rng, ALNUM, 38) + "/+",
        ]
    )


def resident(rng: random.Random) -> str:
    place = rng.choice("110105 310101 440305 510107 330106".split())
    born = f"{rng.randint(1950, 2008)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body = f"{place}{born}{rng.randint(1, 999):03}"
    number = next(body + check for check in "0123456789X" if resident_id(body + check))
    return rng.choice([number, number, number.lower(), f"{number[:6]} {number[6:14]} {number[14:]}"])


def card(rng: random.Random) -> str:
    prefix, size = rng.choice(
        [("622202", 19), ("621700", 19), ("625965", 16), ("453912", 16), ("528931", 16), ("6214", 16)]
    )
    body = prefix + pick(rng, "0123456789", size - 1 - len(prefix))
    number = next(body + check for check in "0123456789" if luhn(body + check))
    fours = [number[at : at + 4] for at in range(0, size, 4)]
    return rng.choice([number, " ".join(fours), "-".join(fours)])


def private_key(rng: random.Random) -> str:
    name = rng.choice(
        ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]
    )
    lines = [pick(rng, ALNUM + "+/", 64) for _ in range(rng.randint(3, 26))]
    return rng.choice(["\n", "\\n"]).join([f"-----BEGIN {name}-----", *lines, f"-----END {name}-----"])


KINDS = {
    "password, English": (PASSWORDS_EN, password, 240),
    "password, Chinese": (PASSWORDS_ZH, password, 240),
    "key behind a label": (KEYS, key, 200),
    "vendor's token": (ANYWHERE, token, 200),
    "password in an address": (URLS, password, 90),
    "extraction code": (
        CODES,
        lambda rng: pick(rng, string.ascii_lowercase, 2) + pick(rng, "23456789", 2),
        50,
    ),
    "resident identity": (IDS, resident, 70),
    "password, second set": (SECOND_PASSWORDS, password, 240),
    "key, second set": (SECOND_KEYS, key, 110),
    "password, third set": (THIRD_PASSWORDS, password, 125),
    "bank card": (CARDS, card, 70),
    "private key": (BLOCKS, private_key, 40),
    "password, unseen": (UNSEEN, password, 250),
}


def planted(seed: int = SEED) -> list[tuple[str, str, str, int, int]]:
    """(kind, template, note, start, end) of every planted secret: `note[start:end]` is one."""
    rng, notes = random.Random(seed), []  # noqa: S311 - nothing here is kept secret
    for kind, (templates, make, count) in KINDS.items():
        choices = [form.replace("\\n", "\n") for line in templates.split("\n") for form in line.split("¦")]
        for number in range(count):
            form, secret = choices[number % len(choices)], make(rng)
            user = rng.choice(["root", "admin", "liwei", "svc_orders", "ops@corp.cn", "zhang.san"])
            host = rng.choice(["10.20.3.14", "db01.corp.cn", "nas.home.lan"])
            line = form.replace("{u}", user).replace("{h}", host).replace("{{", "{").replace("}}", "}")
            before = "\n".join([*rng.sample(FILLER, rng.randint(1, 4)), ""])
            start = len(before) + line.index("{s}")
            note = (
                before + line.replace("{s}", secret) + "\n" + "\n".join(rng.sample(FILLER, rng.randint(1, 3)))
            )
            notes.append((kind, form, note, start, start + len(secret)))
    return notes
