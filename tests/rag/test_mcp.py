"""Search and ask for MCP clients: the official client against `python -m rag mcp` in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rag.build import build_engine, build_indexer
from rag.config import Settings, load_settings
from rag.errors import SettingError
from rag.types import Chunk, Document

pytest.importorskip("mcp")

TEXTS = {
    "kitchen.md": "Bread dough rests for twelve hours in a cool room. Rye needs less water than wheat.",
    "sea/lighthouse.md": "The lighthouse of Varde was built in 1856. Its lamp burned rape oil until 1923.",
}
LIGHTHOUSE = "When was the lighthouse of Varde built?"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = load_settings({"index": str(tmp_path_factory.mktemp("mcp") / "index")})
    with build_indexer(settings) as indexer:
        for name, text in TEXTS.items():
            indexer.add(Document(name, text, digest=name), [Chunk(name, 0, text, 0, len(text))])
        indexer.publish()
    return settings


def connected(index: Path, use: Callable[[Any], Awaitable[None]]) -> None:
    """Let `use` talk to a server over `index` through the official client."""
    from mcp import Client, StdioServerParameters

    server = StdioServerParameters(
        command=sys.executable, args=["-m", "rag", "mcp", "--index", str(index)], env=dict(os.environ)
    )

    async def main() -> None:
        async with Client(server) as client:
            await use(client)

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_client_finds_both_tools_and_what_they_take(settings: Settings) -> None:
    async def use(client: Any) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"ask", "search"}
        for tool in tools.values():
            assert tool.input_schema["required"] == ["question"]
            assert tool.description
            assert tool.annotations.read_only_hint
        assert set(tools["search"].input_schema["properties"]) == {"question", "k", "mode", "paths"}

    connected(settings.index, use)


def test_a_client_asks_searches_and_is_told_what_is_wrong(settings: Settings) -> None:
    """One connection: an answer with exact quotes, hits of one folder alone, and errors as tool errors."""

    async def use(client: Any) -> None:
        answer = (await client.call_tool("ask", {"question": LIGHTHOUSE})).structured_content
        assert "1856" in answer["answer"]
        for citation in answer["citations"]:
            assert TEXTS[citation["document"]][citation["start"] : citation["end"]] == citation["quote"]
        assert "passages" not in answer
        found = await client.call_tool("search", {"question": "rye and water", "mode": "sparse", "k": 1})
        assert [hit["document"] for hit in found.structured_content["hits"]] == ["kitchen.md"]
        assert json.loads(found.content[0].text) == found.structured_content
        within = await client.call_tool("search", {"question": "rye and water", "paths": ["sea"]})
        assert {hit["document"] for hit in within.structured_content["hits"]} == {"sea/lighthouse.md"}
        for arguments in (
            {"question": "  "},
            {"question": "rye", "k": 0},
            {"question": "rye", "paths": ["x"] * 65},
        ):
            refused = await client.call_tool("search", arguments)
            assert refused.is_error
            assert "Traceback" not in refused.content[0].text
        empty = await client.call_tool("ask", {"question": " "})
        assert "the question is empty" in empty.content[0].text

    connected(settings.index, use)


def test_without_an_index_a_tool_says_what_to_do(tmp_path: Path) -> None:
    async def use(client: Any) -> None:
        refused = await client.call_tool("ask", {"question": LIGHTHOUSE})
        assert refused.is_error
        assert "python -m ingest" in refused.content[0].text

    connected(tmp_path / "none", use)


def test_nothing_but_the_protocol_is_on_standard_output(settings: Settings) -> None:
    """Each line is a JSON-RPC message, also for a line that is none; it ends when its input does."""
    first = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }  # fmt: skip
    asked = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": LIGHTHOUSE}}}  # fmt: skip  # noqa: E501
    begun = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    command = [sys.executable, "-m", "rag", "mcp", "--index", str(settings.index)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in (json.dumps(first), json.dumps(begun), "no message", json.dumps(asked)):
            print(line, file=process.stdin, flush=True)
        lines: list[dict[str, Any]] = []
        while not lines or lines[-1].get("id") != 2:
            lines.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait(timeout=60) == 0
    assert all(line["jsonrpc"] == "2.0" for line in lines)
    assert "1856" in lines[-1]["result"]["structuredContent"]["answer"]


def test_a_missing_package_is_named_with_its_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rag.mcp import build_server

    for name in [name for name in sys.modules if name == "mcp" or name.startswith("mcp.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(SettingError, match=r'pip install -e "\.\[mcp\]"'):
        build_server(build_engine(settings))
