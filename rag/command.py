"""What commands share: the settings flags, kinds of arguments, and errors as one line with a status.

Nothing but the standard library is imported here before `run` is running, so that a command started by an
interpreter without the packages ends in one line, too.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import RagError, SettingError

if TYPE_CHECKING:
    from rag.config import Settings

COULD_NOT_START = 2
INTERRUPTED = 130


def add_settings(
    parser: argparse.ArgumentParser, *, index: str = "the index's folder (default: index)"
) -> None:
    """The flags `settings_of` reads; `index` is what the help says of that one."""
    parser.add_argument("--index", metavar="DIR", help=index)
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (default: rag.toml)")
    parser.add_argument(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any setting, for example --set generator.name=openai; may be repeated",
    )


def settings_of(options: argparse.Namespace, more: Mapping[str, Any] | None = None) -> Settings:
    """The settings that flags, environment and file amount to; `more` are a command's own flags."""
    from rag.config import assignments, load_settings

    own = {"index": options.index, **(more or {})}
    given = {name: value for name, value in own.items() if value is not None}
    settings = load_settings({**assignments(options.assignments), **given}, options.config)
    if settings.index.is_file():
        raise SettingError(f"index = {str(settings.index)!r} is a file: name the index's folder")
    return settings


def positive(value: str) -> int:
    """The argument `8`, a number of passages. Raises ArgumentTypeError."""
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from 1 to 1000")
    return int(value)


def run(main: Callable[[], int], kept: str = "") -> int:
    """Run a command; whatever goes wrong is one line on standard error and a status, no traceback.

    `kept` is what to say of its work where it is stopped.
    """
    prepare_environment()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Results are read by programs, whatever the locale; a file name need not be valid UTF-8.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return main()
    except RagError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _stopped(kept)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_START
    except ModuleNotFoundError as error:
        return _fail(
            f"the package {error.name} is not installed for {sys.executable}: run `source "
            ".venv/bin/activate`, or `make install` if there is no .venv yet"
        )
    except OSError as error:
        return _fail(f"{error.filename or 'system'}: {error.strerror or error}")
    except MemoryError:
        return _fail("out of memory: close other programs or ingest fewer files at a time")
    except RuntimeError as error:
        # Ctrl-C while a class is being made: Python 3.11 puts this around it.
        if isinstance(error.__cause__, KeyboardInterrupt):
            return _stopped(kept)
        raise


def prepare_environment() -> None:
    """Set what libraries read from the environment when they are first imported, unless it is set.

    Threads that wait for each other actively steal the processor from whoever else needs it: three
    processes on two cores embedded at a quarter of the speed (docs/performance.md).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _stopped(kept: str) -> int:
    _fail(f"stopped; {kept}" if kept else "stopped")
    return INTERRUPTED


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return COULD_NOT_START
