"""What stands where a secret would: examples, variables and redactions. None of it is a secret."""

from __future__ import annotations

import re

# Words that say of themselves that the value is to be filled in.
_TELLING = re.compile(
    r"""your|example|placeholder|change.?(?:me|it|this)|replace|insert|redacted|dummy|sample|fake
    |xxxx|\*\*\*|\.\.\.|…|---|___|my.?(?:secret|token|api|key|pass)|(?:super|top|some|very).?secret
    |secret.?(?:key|token|pass|value|here)|(?:access|auth|bearer|refresh|csrf|jwt).?token|api.?key
    |goes.?here|put.?here|paste|to.?be.?|fill|todo|not.?set|undefined|123456789|abcdef|qwerty(?=uiop)|deadbeef""",
    re.VERBOSE,
)
# Syntax that fetches the value from elsewhere.
_FETCHED = re.compile(
    r"^[<{]|[<{].*[>}]$|\$\{|\$\(|^\$[A-Z_][A-Z0-9_]*$|^\$[a-z_]+$|\{\{|%\(|^%[sd]$|^%\w+%$|^@\w+@$|environ|getenv|process\.env|secrets\."
    r"|^(?:https?|file|vault|op|arn|ssm|kms)://?|^arn:|^/|^\.{1,2}/|^~/|^\\[nrt]?$"
)
_MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ "
_WORDS = frozenset(
    """password passwd pwd pass passphrase passcode secret secrets token key apikey credential credentials
    string str text none null nil true false undefined optional required default hidden empty blank any
    bytes test testing foo bar baz foobar qux user username login guest value demo hello world int integer
    number object boolean bool byte char varchar secretstr sensitive masked encrypted plaintext sha1 sha256
    sha512 md5 hs256 rs256 es256 aes128 aes256 aes-256 rsa2048 rsa4096 rsa-2048 bcrypt argon2 argon2id
    pbkdf2 scrypt base64 base32 utf8 utf-8 oauth oauth2 oauth2.0 openid jwt totp ssl tls1.2 tls1.3 http
    https http2 ed25519 x509 sm2 sm3 sm4 wpa2 wpa3 wpa2-psk wpa3-psk wpa-psk ipv4 ipv6 mysql mysql5 mysql8
    windows10 windows11 win10 win11 python3 redis postgresql token2 bip39 oauth1 pkcs8 pkcs12 pkcs1 fido2
    u2f 2fa mfa otp""".split()
)
_NUMBERED = re.compile(
    r"(?:password|passwd|pwd|pass|secret|token|test|example|foo|bar|foobar|demo|user)[0-9]{1,4}"
)
_SINGLE = re.compile(r"(.)\1*", re.DOTALL)
# The payload of jwt.io's example begins so: {"sub":"1234567890...
_JWT_SAMPLE = "eyJzdWIiOiIxMjM0NTY3ODkw"


def placeholder(value: str) -> bool:
    """Whether a value plainly stands for a secret instead of being one."""
    low = value.lower()
    bare = low.strip(_MARKS)
    return bool(
        not bare
        or bare in _WORDS
        or _SINGLE.fullmatch(bare)
        or _NUMBERED.fullmatch(bare)
        or _TELLING.search(low)
        or _FETCHED.search(value)
    )


def sample_token(value: str) -> bool:
    """The same for a token of a known shape, whose random part may by chance contain a short word."""
    low = value.lower()
    telling = (
        "example",
        "placeholder",
        "xxxx",
        "****",
        "....",
        "your",
        "0123456789",
        "123456789",
        "abcdefgh",
    )
    body = re.sub(r"[^a-z0-9]", "", low[4:])
    return any(word in low for word in telling) or _JWT_SAMPLE in value or len(set(body)) < 6
