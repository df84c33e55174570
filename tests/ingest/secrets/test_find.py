"""What counts as a secret, and what does not."""

# ruff: noqa: E501 - a sample is one line of a note
from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.secrets.find import Secret, find

DOCS = Path(__file__).parents[3] / "docs"
CORPORA = Path(__file__).parents[4] / "shared/data/corpora"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoiYjg3NjU0MzIifQ.c2lnbmF0dXJlOTg3NjU0MzIx"

SECRETS = [
    ("aws-key", "export X={}", "AKIAQ3EGUYTRW2MNBVX5"),
    ("alibaba-key", "AccessKey ID：{}", "LTAI5tQr7YwPz2KdVn3MxBcT"),
    ("tencent-key", "SecretId={}", "AKIDz8krbsJ5yKBZQpn74WFkmLPx3gnPhESA"),
    ("github-token", "用 {} 推送", "ghp_a8Fk2LqPz7Wn4RtYv9Xc3Bm6Jd5Hs1Ge0TuQ"),
    ("huggingface-token", "`{}`", "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"),
    ("model-key", "Bearer {}", "sk-proj-k3Jf8dLq2Wm9Zx7Vb5Nc1Rt6Yp4Hs0Ga"),
    ("jwt", "token: {}", JWT),
    ("password", "密码：{}", "Zhang@1987"),
    ("password", "密码 {}", "zhang1987"),
    ("password", "密码{}，别忘", "zhang1987"),
    ("password", "账号/密码 root/{}", "abc123"),
    ("password", "用户名：liwei 密码：{}", "654321"),
    ("password", "初始口令是“{}”", "Wf#2209x"),
    ("password", "| 主机 | 密码 |\n|---|---|\n| db1 | {} |", "tiger88x"),
    ("password", "密码：\n{}\n", "Zhang@1987"),
    ("password", "DB_PASSWORD={}", "falcon77"),
    ("password", '"password": "{}",', "s3cr3tFalc0n"),
    ("password", "Server=db1;User Id=sa;Password={};Encrypt=true", "Orch1d!9"),
    ("password", "mysql -u root -p'{}' crm", "Kaf#ka99"),
    ("password", "ADMIN_PASSWORD: {}", "plume482"),
    ("password", "- Password: {}", "dragonwsx"),
    ("password", "requirepass {}", "kafka4471"),
    ("password", "the password's {}", "Berlin77"),
    ("password", "Wi-Fi: Guest-5G, key: {}", "orchid2031"),
    ("password", "root / {}", "Falcon@20"),
    ("password", "ops@corp.cn / {}", "Falcon@20"),
    ("password", "Log in as liwei with {}", "Falcon@20"),
    ("password", "Enter {} as the password", "orchid_31"),
    ("password", "用 {} 作为密码", "orchid_31"),
    ("password", r"net use Z: \\nas\share /user:liwei {}", "Falcon@20"),
    ("password", "密码我改成 {} 了", "orchid2031"),
    ("password", "密码见下：\n{}\n", "orchid2031"),
    ("password", 'DB_PASSWORD="{}"', "p@ss word 7"),
    ("password", "密码：{}", "天王盖地虎"),
    ("password", "- 门禁密码：{}（周末用）", "芝麻开门"),
    ("password", "数据库口令：{}", "宝塔镇河妖2024"),
    ("password", "用户名：张三，密码：{}", "春暖花开88"),
    ("password", "初始口令是“{}”，不要外传", "大漠孤烟直"),
    ("password", "密碼：{}。", "風調雨順"),
    ("password", "password: '{}'", "blue horse42x runs"),
    ("key", "api_key = '{}'", "9f3c7a1e5b2d8064c1e7f3a95d2b8c60"),
    ("key", "密钥: {}", "q7Rf2Lk9Zx4Wm8Vb"),
    ("url-password", "postgres://app:{}@db1.corp.cn:5432/shop", "n0tSoGood"),
    ("url-password", "redis://:{}@cache.corp.cn:6379/0", "n0tSoGood"),
    ("extraction-code", "链接 https://pan.baidu.com/s/1abc 提取码：{}", "x7k2"),
    ("extraction-code", "https://pan.baidu.com/s/1abcDEF?pwd={}", "x7k2"),
    ("resident-id", "身份证号：{}", "11010519491231002X"),
    ("resident-id", "{}", "11010519491231002x"),
    ("bank-card", "卡号 {}", "6222 0212 3456 7890 128"),
]


@pytest.mark.parametrize(("kind", "form", "value"), SECRETS, ids=range(len(SECRETS)))
def test_a_secret_is_found_whole_with_its_kind_and_line(kind: str, form: str, value: str) -> None:
    text = "标题\n\n" + form.format(value)
    (found,) = [one for one in find(text) if text[one.start : one.end] == value]
    assert found.kind == kind
    assert found.line == text.count("\n", 0, found.start) + 1


@pytest.mark.parametrize("kind", ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
@pytest.mark.parametrize("end", [True, False], ids=["whole", "cut off"])
def test_a_private_key_is_one_secret_from_its_first_line_to_its_last(kind: str, *, end: bool) -> None:
    body = "MIIEpAIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9Oi8G8f0QwLr4KtZxYpWnEsDcVbH\n" * 4
    block = f"-----BEGIN {kind}-----\n{body}" + (f"-----END {kind}-----" if end else "")
    text = f"前文\n{block}\n后文"
    assert [(one.kind, text[one.start : one.end].strip()) for one in find(text)] == [
        ("private-key", block.strip())
    ]


NONE = """password: <password>|api_key = your-api-key|password: ********|token: xxxxxxxxxxxx|DB_PASSWORD=$DB_PASSWORD
password: ${{ secrets.DB_PASSWORD }}|password = os.environ["DB_PASSWORD"]|password = getpass.getpass()|password: str
SECRET_KEY = "changeme"|password=hashed_password, token=token|password: example|postgres://user:password@localhost/db
postgres://postgres:postgres@db:5432/app|https://user:<password>@host/|AKIAIOSFODNN7EXAMPLE|sk-xxxxxxxxxxxxxxxxxxxxxxxx
The password must have 12 characters.|max_password_length = 128|tokens: 32000|num_tokens = 512|token_url: /api/v2/token1
commit 9fceb02d0ae598e95dc970b74767f19372d61af8|7d444840-9dc0-11d1-b245-5ffdce74fad2|password123|password: secret
sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855|![](data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA)
hashed_password: $2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW|genes were identified by sequencing
忘记密码请联系管理员|密码长度至少 12 位|密码：必填|密码：<你的密码>|密码：******|请使用随机密钥：openssl|密码 SHA256 加密|手机 13800138000
订单号 20260318114500127|卡号 4111 1111 1111 1111|1234567890123456|身份证 110105194912310021|3.14159265358979323|1700000000000000000
-----BEGIN RSA PRIVATE KEY-----\\n...\\n-----END RSA PRIVATE KEY-----|Bearer <token>|the secret of good tea|api key: see the wiki
root / opt/v2|admin / api2.md|root : x86_64|see admin / step2|users@lists.example.org / page3|http://user:pass@host/repo..." scrubbed
use UTF-8 as the password encoding|log in with GitHub and OAuth2|password - required|API endpoint, key: value|- Password: optional
密码：六位数字|密码：请找管理员|密码：见附件|密码是每三个月更换一次|重置密码：点击右上角头像|财富密码：坚持学习|密码：与账号相同
口令：稍息立正，向右看齐|密码：任意填写|密码是“弱密码”|持久化密码：每次安装只生成一次，避免重填|密码：两次不一致
task-management-system-2024-overview-page|risk-assessment-framework-v2-2024|basic authentication|类似 eyJ 开头的令牌
PASSWORD = "Enter your new password!"|password: "At least 8 letters, or the SHA256 of it"|passwd = "wrong user or e-mail","""


@pytest.mark.parametrize("text", NONE.replace("\n", "|").split("|"))
def test_placeholders_code_hashes_and_prose_are_no_secrets(text: str) -> None:
    assert [one.kind for one in find(text.replace("\\n", "\n"))] == []


def test_a_number_without_its_checksum_is_no_identity_or_card() -> None:
    assert [len(find(f"身份证 1101051949123100{n:02}，")) for n in range(20, 30)].count(1) <= 1
    assert sum(bool(find(f"卡号 622202123456789012{n}")) for n in range(10)) == 1


def test_full_width_forms_are_read_as_their_plain_ones() -> None:
    text = "身份证：１１０１０５１９４９１２３１００２Ｘ"
    assert [(one.kind, text[one.start : one.end]) for one in find(text)] == [("resident-id", text[4:])]


def test_the_record_of_a_secret_has_no_room_for_its_value() -> None:
    (found,) = find("密码：Zhang@1987")
    assert "Zhang" not in repr(found) + str(found)
    assert Secret.__slots__ == ("kind", "start", "end", "line")


def test_most_of_a_large_set_of_planted_secrets_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    from secret_notes import planted

    notes = planted()
    hits = 0
    for _, _, note, start, end in notes:
        covered = {at for one in find(note) for at in range(one.start, one.end)}
        hits += covered.issuperset(range(start, end))
    assert len(notes) >= 500
    assert hits / len(notes) >= 0.93


@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs ../shared/data/corpora")
def test_folders_of_documentation_have_hardly_an_alarm() -> None:
    files = [file for file in CORPORA.rglob("*.md") if "fastapi" in str(file)]
    assert len(files) > 200
    assert sum(bool(find(file.read_text("utf-8"))) for file in files) <= 2


HOSTILE = """password:|password='|密码：a|密码(|eyJaaaaaaaa.|://a:b@|-----BEGIN RSA PRIVATE KEY-----|1 |6222 |a|-us|bearer
mysql -p|账号 a/|key=|AK:|secret[a](|&pwd=a""".replace("\n", "|").split("|")


@pytest.mark.parametrize(
    "unit", [*HOSTILE, "|pwd", "| pwd |\n|---|\n", "密码：天地", "密码是“天", "PuTTY-User-Key-File-2:\n\n"]
)
def test_time_grows_with_length_alone_whatever_is_repeated(unit: str) -> None:
    """Four times the text takes about four times as long, not sixteen."""

    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        began = time.process_time()
        find(text)
        return time.process_time() - began

    short = min(seconds(25_000) for _ in range(2))
    assert seconds(100_000) <= max(0.05, 9 * short)


def test_a_secret_across_the_pieces_of_a_long_line_is_found_once() -> None:
    for before in (3_999_990, 3_999_998):
        text = "。" * before + "密码：Zhang@1987。" + "。" * 70_000
        assert [text[one.start : one.end] for one in find(text)] == ["Zhang@1987"]


@settings(deadline=None, max_examples=150)
@given(st.text())
def test_any_text_is_searched_without_an_error_and_spans_do_not_overlap(text: str) -> None:
    found = find("密码：Zhang@1987\n" + text)
    assert all(one.start < one.end for one in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_the_passwords_of_a_table_longer_than_a_piece_are_found_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.secrets.find._PIECE", 4000)
    monkeypatch.setattr("ingest.secrets.find._OVERLAP", 500)
    rows = "".join(f"| host{number} | Xk9mQ2w{number:04}Zt |\n" for number in range(1000))
    text = f"# Hosts\n\nThe table:\n\n| host | password |\n|---|---|\n{rows}\nThe end | of it.\n"
    found = find(text)
    assert [text[each.start : each.end] for each in found] == [f"Xk9mQ2w{n:04}Zt" for n in range(1000)]
    assert [each.line for each in found] == list(range(7, 1007))


def test_rows_of_another_table_do_not_take_the_header_of_one_above_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.secrets.find._PIECE", 4000)
    monkeypatch.setattr("ingest.secrets.find._OVERLAP", 500)
    first = "| host | password |\n|---|---|\n| a | Xk9mQ2w7Zt |\n\n"
    other = "| host | order |\n|---|---|\n" + "".join(f"| h{n} | Xk9mQ2w{n:04}Zt |\n" for n in range(900))
    assert len(find(first + other)) == 1


def test_a_value_below_its_word_is_looked_at_without_the_rest_of_the_text() -> None:
    """Were the rest of the text copied for each of them, this would take an hour."""
    assert find("密码:\nabc12345 foo\n" * 150_000) == find("密码:\nabc12345 foo\n")
