"""`python -m rag mcp`: search and ask as tools for MCP clients, over standard input and output.

The Model Context Protocol (https://modelcontextprotocol.io) by its official package. While it serves,
the package keeps standard output for the protocol and sends whatever else is printed to standard error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field

from rag.engine import Engine
from rag.errors import RagError, SettingError
from rag.types import Filter, Mode
from rag.wire import answer_json, hit_json

if TYPE_CHECKING:
    from mcp.server import MCPServer

Result = TypeVar("Result")

_INSTRUCTIONS = (
    "Answers from the user's own documents. `ask` gives an answer whose every statement carries a marker "
    "[n] and a citation with the exact words, document and place; show the citations, and pass a refusal "
    "on as one. `search` gives the passages alone."
)
# Passages are many times as long as an answer; whoever wants them searches.
_LEFT_OUT = ("passages", "timings", "usage", "question")

Question = Annotated[str, Field(description="a question or a few words, in English or Chinese")]
Count = Annotated[int | None, Field(ge=1, le=100, description="passages at most; left out: as set")]
Paths = Annotated[
    list[str] | None, Field(description='only these documents, folders or patterns: "notes/2024", "*.pdf"')
]


def serve(engine: Engine) -> None:
    """Serve until standard input ends. Raises SettingError where the package is not installed."""
    import asyncio

    server = build_server(engine)
    # The first question need not wait for the models; what stands in the way it will say itself.
    threading.Thread(target=_warm, args=(engine,), name="warming", daemon=True).start()
    asyncio.run(server.run_stdio_async())


def build_server(engine: Engine) -> MCPServer[Any]:
    """The server over `engine`, not yet connected. Raises SettingError as `serve`."""
    try:
        from mcp.server import MCPServer
    except ModuleNotFoundError as error:
        raise SettingError(f'mcp needs the package {error.name}: pip install -e ".[mcp]"') from error
    from mcp.types import ToolAnnotations

    async def ask(question: Question, k: Count = None, paths: Paths = None) -> dict[str, Any]:
        """Answer a question from the documents, each statement with its citation, or refuse."""
        answer = await _on_a_thread(
            lambda gone: engine.ask(question, k, None, Filter(paths=tuple(paths or ())), cancelled=gone)
        )
        return {name: value for name, value in answer_json(answer).items() if name not in _LEFT_OUT}

    async def search(
        question: Question,
        k: Count = None,
        mode: Annotated[Mode | None, Field(description="left out: as set")] = None,
        paths: Paths = None,
    ) -> dict[str, Any]:
        """Find the passages nearest to a question, best first, with their places and scores."""
        found = await _on_a_thread(
            lambda _: engine.search(question, k, mode, Filter(paths=tuple(paths or ())))
        )
        return {"generation": found.generation, "hits": [hit_json(hit) for hit in found.hits]}

    server: MCPServer[Any] = MCPServer("lectern", instructions=_INSTRUCTIONS, log_level="ERROR")
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    for tool in (ask, search):
        server.add_tool(tool, annotations=reads)
    return server


async def _on_a_thread(call: Callable[[Event], Result]) -> Result:
    """The result of `call`, which gets a flag that is set once the client has given the request up.

    Raises ToolError with what a RagError says.
    """
    from anyio.to_thread import run_sync
    from mcp.server.mcpserver.exceptions import ToolError

    gone = Event()
    try:
        return await run_sync(call, gone, abandon_on_cancel=True)
    except RagError as error:
        raise ToolError(str(error)) from error
    finally:
        gone.set()


def _warm(engine: Engine) -> None:
    with suppress(Exception):
        engine.warm()
