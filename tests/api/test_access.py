"""Host and Origin: the service answers to its own names and its own page alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from rag.config import Settings

Serve = Callable[[dict[str, object]], TestClient]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000", "[::1]"])
def test_its_own_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""])
def test_a_name_made_to_point_here_is_not_served(client: TestClient, host: str) -> None:
    reply = client.get("/readyz", headers={"Host": host})
    assert reply.status_code == 421
    assert "evil" not in reply.text


def test_a_setting_names_further_hosts(settings: Settings, serve: Serve) -> None:
    with serve({"index": str(settings.index), "api.hosts": ["lab.example"]}) as client:
        assert client.get("/healthz", headers={"Host": "lab.example:8000"}).status_code == 200
        assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9", "nonsense"])
def test_another_sites_page_may_not_ask(client: TestClient, origin: str) -> None:
    reply = client.post("/search", json={"question": "rye"}, headers={"Origin": origin})
    assert reply.status_code == 403
    assert "access-control-allow-origin" not in reply.headers


def test_the_services_own_page_may(client: TestClient) -> None:
    headers = {"Origin": "http://127.0.0.1"}
    assert client.post("/search", json={"question": "rye"}, headers=headers).status_code == 200


def test_a_setting_opens_it_to_an_origin_and_no_other(settings: Settings, serve: Serve) -> None:
    own = "https://app.example"
    with serve({"index": str(settings.index), "api.origins": [own]}) as client:
        asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        leave = client.options("/ask", headers={"Origin": own, **asks})
        assert leave.headers["access-control-allow-origin"] == own
        other = client.options("/ask", headers={"Origin": "https://evil.example", **asks})
        assert "access-control-allow-origin" not in other.headers
        reply = client.post("/search", json={"question": "rye"}, headers={"Origin": own})
        assert reply.status_code == 200
        assert reply.headers["access-control-allow-origin"] == own
