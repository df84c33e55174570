"""`python -m api`: serve the index over HTTP until Ctrl-C or SIGTERM; `python -m api keys`: API keys."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rag.command import add_settings, run, settings_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; the exit status is 0 after a signal and 2 where it could not start."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["keys"]:
        return _keys(words[1:])
    if words == ["openapi"]:
        return _openapi()
    from api.serve import serve

    signal.signal(signal.SIGTERM, _end)
    options = _parser().parse_args(words)
    try:
        flags = {"api.host": options.host, "api.port": options.port, "api.processes": options.workers}
        serve(settings_of(options, flags), inherited=options.inherited)
    except KeyboardInterrupt:
        pass
    return 0


def _end(_: int, __: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m api",
        description="Answer questions over HTTP: a web page at /, POST /ask, POST /search, /v1 for "
        "clients of OpenAI's API. `python -m api keys --help` tells of API keys.",
    )
    add_settings(parser)
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", help="port to listen on (default: 8000; 0: any free one)")
    parser.add_argument("--workers", metavar="N", help="processes that share the port (default: 1)")
    # A worker's listening sockets.
    parser.add_argument("--inherited", type=int, action="append", help=argparse.SUPPRESS)
    return parser


def _keys(words: Sequence[str]) -> int:
    from api import keys

    parser = argparse.ArgumentParser(prog="python -m api keys", description="Make, list and revoke API keys.")
    parser.add_argument("verb", choices=["add", "list", "revoke"])
    parser.add_argument("name", nargs="?", metavar="NAME", help="whose key it is")
    add_settings(parser)
    options = parser.parse_args(words)
    if (options.name is None) != (options.verb == "list"):
        parser.error("add and revoke take a NAME, list takes none")
    settings = settings_of(options)
    file = Path(settings.api.keys_file)
    if options.verb == "add":
        keys.check_place(settings)
        print(keys.add(file, options.name))
        print(f"this is shown once; {file} keeps only its digest", file=sys.stderr)
    elif options.verb == "revoke":
        keys.revoke(file, options.name)
    else:
        known = keys.read(file)
        for key in known:
            print(f"{key.created}  {key.name}")
        if not known:
            print(f"there is no key in {file}: only this machine may ask", file=sys.stderr)
    return 0


def _openapi() -> int:
    """The description of the service, as docs/openapi.json keeps it."""
    import json

    from api.app import create_app
    from rag.build import build_engine
    from rag.config import Settings

    settings = Settings.model_construct(**{n: f.default for n, f in Settings.model_fields.items()})
    described = create_app(settings, build_engine(settings)).openapi()
    print(json.dumps(described, indent=1, ensure_ascii=False, sort_keys=True))
    return 0


def _leave(status: int) -> NoReturn:
    """End at once: a model that is still loading or writing cannot be interrupted, only left."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _leave(run(main))
