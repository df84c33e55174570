"""Addresses of servers as settings give them."""

from __future__ import annotations

import pytest

from rag.addresses import is_loopback, server_address
from rag.errors import SettingError


def test_an_address_comes_in_parts_without_slashes_at_its_end() -> None:
    parts = server_address("reranker", " https://host:81/v1// ", "http://127.0.0.1:8080")
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "host:81", "/v1")


@pytest.mark.parametrize(
    "address", ["", "host:80", "ftp://host", "http://", "http://host:0", "http://host?a=1", "http://host#a"]
)
def test_what_is_no_address_is_told_with_one_that_is(address: str) -> None:
    with pytest.raises(
        SettingError, match=r"reranker\.base_url is .*; write it like http://127\.0\.0\.1:8080 or"
    ):
        server_address("reranker", address, "http://127.0.0.1:8080")


def test_a_port_that_cannot_be_is_told() -> None:
    with pytest.raises(SettingError, match=r"generator\.base_url is 'http://host:99999': "):
        server_address("generator", "http://host:99999", "http://127.0.0.1:8080")


def test_a_key_belongs_into_its_own_setting() -> None:
    with pytest.raises(
        SettingError, match=r"holds a user name; write the key as generator\.api_key"
    ) as caught:
        server_address("generator", "http://me:secret@host", "http://127.0.0.1:8080")
    assert "secret" not in str(caught.value)


def test_this_machine_is_known_by_its_names() -> None:
    assert all(is_loopback(f"http://{host}:80/v1") for host in ("localhost", "127.0.0.1", "[::1]"))
    assert not is_loopback("http://127.0.0.1.example.org")
