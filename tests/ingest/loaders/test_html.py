from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from ingest.loaders import _compose
from ingest.loaders.html import build
from ingest.splitters.markdown import build as build_splitter
from rag.errors import DocumentError
from rag.types import Document, Loaded

PAGE = """<!doctype html><html><head><title>Deploy — Guide</title><style>p{}</style></head><body>
<nav><a href="/">Home</a><a href="/x">Other</a></nav>
<h1>Deploy<a class="headerlink" href="#d">¶</a></h1>
<p>First &amp; <b>bold</b> text with <a href="https://x.org">a link</a>,<br>next line of <code>a_b</code>.
<h2>Steps</h2>
<ol><li>One<li><p>Two</p><ul><li>inner</ul><li>Three</ol>
<table><caption>Sizes</caption><tr><th>Name<th>a|b<tr><td>x<td>1</table>
<pre class="x"><code class="language-python">def f():
    return 1
</code></pre>
<p hidden>secret</p><p style="display: none">secret</p><div aria-hidden="true">secret</div>
<script>var secret = 1</script><noscript>secret</noscript><p># no heading</p></body></html>"""


def _load(folder: Path, page: str | bytes, encoding: str = "utf-8") -> Loaded:
    path = folder / "page.html"
    path.write_bytes(page if isinstance(page, bytes) else page.encode(encoding))
    return build().load(path)


def test_a_page_becomes_markdown(tmp_path: Path) -> None:
    loaded = _load(tmp_path, PAGE)
    assert loaded.text == (
        "# Deploy\n\nFirst & bold text with a link,\nnext line of `a_b`.\n\n## Steps\n\n"
        "1. One\n2. Two\n   - inner\n3. Three\n\nSizes\n\n"
        "| Name | a\\|b |\n| --- | --- |\n| x | 1 |\n\n"
        "```python\ndef f():\n    return 1\n```\n\n\\# no heading\n"
    )
    assert loaded.metadata == {"type": "markdown", "format": "html", "title": "Deploy — Guide"}
    assert not loaded.warnings


def test_its_chunks_have_heading_paths(tmp_path: Path) -> None:
    loaded = _load(tmp_path, PAGE.replace("Three", "Three. " + "Long enough to stand alone. " * 40))
    document = Document("page.html", loaded.text, "", loaded.metadata)
    chunks = build_splitter(lambda text: len(text.split()), 60).split(document)
    assert ("Deploy", "Steps") in {chunk.heading for chunk in chunks}
    assert not any("no heading" in title for chunk in chunks for title in chunk.heading)


def test_only_the_main_part_is_read_where_the_page_names_one(tmp_path: Path) -> None:
    words = "What this page is about. " * 20
    page = f"<div>Menu</div><main><h1>Title</h1><p>{words}</p></main><div>Imprint</div>"
    assert _load(tmp_path, page).text == f"# Title\n\n{words.strip()}\n"
    assert "Menu" in _load(tmp_path, "<div>Menu</div><main></main><p>Text</p>").text


def test_a_table_that_lays_out_a_page_is_read_as_its_text(tmp_path: Path) -> None:
    page = "<table><tr><td><h1>Title</h1><p>one</p><table><tr><td>a<td>b</table></td></tr></table>"
    assert _load(tmp_path, page).text == "# Title\n\none\n\n| a | b |\n| --- | --- |\n"


def test_a_page_without_title_is_called_by_its_first_heading(tmp_path: Path) -> None:
    assert _load(tmp_path, "<h2>安装 <em>步骤</em></h2><p>x").metadata["title"] == "安装 步骤"


@pytest.mark.parametrize("encoding", ["gbk", "big5", "shift_jis", "utf-8"])
def test_the_declared_encoding_is_followed(tmp_path: Path, encoding: str) -> None:
    page = f'<meta charset="{encoding}"><p>配置</p>'
    assert _load(tmp_path, page, encoding).text == "配置\n"


def test_a_page_that_declares_another_encoding_than_it_has_is_read_as_it_is(tmp_path: Path) -> None:
    assert _load(tmp_path, '<meta charset="gb2312"><p>部署指南', "utf-8").text == "部署指南\n"
    assert _load(tmp_path, '<meta charset="rot13"><p>caf\xe9 noir', "latin-1").text == "café noir\n"


def test_entities_cannot_smuggle_control_characters(tmp_path: Path) -> None:
    text = _load(tmp_path, "<p>a&#8;b&#x1b;[31mc&#xfeff;d &lt;script&gt;</p>").text
    assert text.isprintable() or text.strip().isprintable()
    assert text.strip().endswith("<script>")


def test_code_with_fences_inside_stays_one_block(tmp_path: Path) -> None:
    assert _load(tmp_path, "<pre>a\n```\nb</pre><h1>T</h1>").text == "````\na\n```\nb\n````\n\n# T\n"


@pytest.mark.parametrize("tag", ["div", "ul><li", "table><tr><td", "b", "blockquote", "nav", "code"])
def test_depth_costs_neither_stack_nor_time(tmp_path: Path, tag: str) -> None:
    began = time.perf_counter()
    loaded = _load(tmp_path, f"<{tag}>x" * 20_000)
    assert time.perf_counter() - began < 20
    assert len(loaded.text) < 2_000_000


def test_more_tags_than_people_write_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compose, "MAX_TAGS", 1000)
    with pytest.raises(DocumentError, match="more than 1,000 tags"):
        _load(tmp_path, "<p>a" * 1001)


def test_a_missing_package_is_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lxml.etree", None)
    with pytest.raises(DocumentError, match=r'needs the package lxml.*: pip install -e "\.\[html\]"'):
        _load(tmp_path, "<p>a")
