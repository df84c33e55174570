"""The Milvus store when the server is too old or refuses: what a person is told, and that the same steps
again come to their end. The server is milvus-lite's own, over the wire, with a Milvus server's refusals.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rag.errors import RagError, SettingError

pytest.importorskip("milvus_lite", reason="milvus-lite is not installed: pip install -e '.[milvus]'")

# A server's own numbers and words (its pkg/util/merr/errors.go and the proxy's rate limiter).
_FULL = {
    3: "memory limit exceeded[predict=1.2e+10][limit=1e+10]",
    7: "disk limit exceeded[predict=1.2e+10][limit=1e+10]",
    9: "quota exceeded[reason=disk quota exceeded, please allocate more resources]",
}


class _Wire:
    """A milvus-lite server in this process whose answers a test can change on their way out."""

    def __init__(self, folder: Path) -> None:
        import grpc  # type: ignore[import-untyped]
        from milvus_lite.adapter.grpc.servicer import MilvusServicer  # type: ignore[import-untyped]
        from milvus_lite.db import MilvusLite  # type: ignore[import-untyped]
        from pymilvus.grpc_gen import common_pb2, milvus_pb2, milvus_pb2_grpc

        wire = self
        self.version = ""
        self.refusal: tuple[int, str] | None = None
        self.after = 0  # changes that still pass before the refusal
        self.most = 1_000_000  # refusals: then it gives in
        self.refused = 0

        class Service(MilvusServicer):  # type: ignore[misc]
            def GetVersion(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
                found = super().GetVersion(request, context)
                found.version = wire.version or found.version
                return found

            def Upsert(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
                wire.after -= 1
                if wire.refusal and wire.after < 0 and wire.refused < wire.most:
                    wire.refused += 1
                    code, reason = wire.refusal
                    return milvus_pb2.MutationResult(status=common_pb2.Status(code=code, reason=reason))
                return super().Upsert(request, context)

        self._data = MilvusLite(str(folder))
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        milvus_pb2_grpc.add_MilvusServiceServicer_to_server(Service(self._data), self._server)
        self.uri = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait()
        self._data.close()


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[_Wire]:
    made = _Wire(tmp_path / "data")
    yield made
    made.stop()


def test_a_server_that_is_too_old_is_named_with_its_version(wire: _Wire, over_wire: SimpleNamespace) -> None:
    wire.version = "v2.5.4"
    with pytest.raises(SettingError, match=r"has version v2\.5\.4: upgrade it to 2\.6 or later") as error:
        over_wire.open(wire.uri)
    over_wire.check(error, wire.uri)
    wire.version = "v2.6.0-rc1"
    over_wire.open(wire.uri).close()


@pytest.mark.parametrize("code", _FULL)
@pytest.mark.parametrize("after", [0, 9, 23])
def test_a_server_that_is_full_says_so_and_the_same_steps_finish_once_there_is_room(
    wire: _Wire, code: int, after: int, over_wire: SimpleNamespace
) -> None:
    over_wire.ingest(wire.uri, "old")
    wire.refusal, wire.after = (code, _FULL[code]), after
    with pytest.raises(RagError, match=r"takes no more: .* exceeded.*: make room there") as error:
        over_wire.ingest(wire.uri, "new")
    over_wire.check(error, wire.uri)
    assert wire.refused <= 3, "a full server is not asked again and again"
    wire.refusal = None
    assert over_wire.seen(wire.uri) == {"old"}
    over_wire.ingest(wire.uri, "new")
    assert over_wire.seen(wire.uri) == {"new"}


def test_a_server_that_limits_the_rate_is_waited_for(wire: _Wire, over_wire: SimpleNamespace) -> None:
    limit = 8, "request is rejected by grpc RateLimiter middleware, please retry later: rate limit exceeded"
    wire.refusal, wire.most = limit, 3
    over_wire.ingest(wire.uri, "old", timeout=30.0)
    assert wire.refused == wire.most
    wire.most = 1_000_000
    with pytest.raises(RagError, match=r"more often than it allows: .*raise its rate limits") as error:
        over_wire.ingest(wire.uri, "new", timeout=2.0)
    over_wire.check(error, wire.uri)


def test_a_question_with_a_vector_of_another_dimension_is_refused_in_a_line(
    wire: _Wire, over_wire: SimpleNamespace
) -> None:
    over_wire.ingest(wire.uri, "old")
    reader = over_wire.open(wire.uri, read_only=True)
    with pytest.raises(SettingError, match="vectors of 3 dimensions, the question's has 4") as error:
        reader.open_index().dense.search(np.ones(4, dtype=np.float32), 5)
    over_wire.check(error, wire.uri)
    reader.close()
