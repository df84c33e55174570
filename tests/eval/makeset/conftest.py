"""A small corpus in two languages, written by the test itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SUBJECTS = [
    ("Keys", "signing key", "vault", "A signing key is a secret number that proves who wrote a release."),
    ("Backups", "nightly snapshot", "archive", "A nightly snapshot is a full copy of the database on disk."),
    ("Alerts", "pager rotation", "duty", "A pager rotation is a list of people who answer alarms in turn."),
    ("Caches", "edge cache", "network", "An edge cache is a store of pages close to the reader."),
    (
        "Queues",
        "dead letter queue",
        "broker",
        "A dead letter queue is a place for messages nobody could read.",
    ),
]
TOPICS = [
    (
        "密钥",
        "签名密钥",
        "签名密钥是一种用来证明发布者身份的秘密数字。",
        "保管库管理员和审计人员核对访问记录。",
    ),
    (
        "备份",
        "夜间快照",
        "夜间快照是一种在磁盘上保存的完整数据副本。",
        "归档磁带和备份硬盘存放在城外的防火机房。",
    ),
    ("告警", "值班表", "值班表是一种按周轮换的人员名单。", "凌晨的紧急告警必须由值班主管确认。"),
    ("缓存", "边缘缓存", "边缘缓存是一种靠近读者的页面存储。", "缓存命中率和扩容节点的数量是公开的。"),
    (
        "队列",
        "死信队列",
        "死信队列是一种存放无法处理消息的地方。",
        "消费者进程和剩余消息的数量显示在监控大屏。",
    ),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, without settings from outside; processes find this repository."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("RAG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return tmp_path


@pytest.fixture
def corpus(here: Path) -> Path:
    """Ten documents, five of each language, with headings, definitions, code and a table."""
    folder = here / "docs"
    for title, term, place, definition in SUBJECTS:
        _write(folder / "en" / f"{title.lower()}.md", _english(title, term, place, definition))
    for number, (title, term, definition, more) in enumerate(TOPICS):
        _write(folder / "zh" / f"chapter{number}.md", _chinese(title, term, definition, more))
    return folder


def _english(title: str, term: str, place: str, definition: str) -> str:
    return f"""---
title: {title}
owner: nobody should quote this front matter line.
---

# {title} in practice

{definition} Every {term} belongs to the {place} team, which reviews it twice a year.

## Create a new {term}

Open the {place} console and choose the {term} wizard, then wait 15 minutes.

```
The {place} code block must never be quoted by anything.
```

| {term} | {place} |
|---|---|
| This {place} table row must never be quoted. | 7 |

## Notes

Seasoned {place} operators label each {term} with a coloured sticker before shipping.
"""


def _chinese(title: str, term: str, definition: str, more: str) -> str:
    return f"""# {title}管理实践

{definition}{more}

## 创建新的{term}

打开控制台并选择{term}向导，然后等待十五分钟再检查结果。

```
{title}代码块里的句子绝对不可以被引用到任何地方。
```

## 小结

{title}部分到此结束，下一章继续介绍。
"""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
