"""Background jobs: each runs one of our own commands in a child process and keeps its state in a file.

Every process of the service sees the same jobs, because what is known of one is a small JSON file in
the index folder. They run one after the other, since an index has one writer.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

from filelock import FileLock

from api.child import command, environment
from api.errors import RefusedError
from api.redact import Redactor
from rag.config import Settings

FOLDER = "jobs"  # in the index folder
_MOST_WAITING = 16
_KEPT = 100
_ID = re.compile(r"[0-9a-f]{32}")
_DRAFT = re.compile(_ID.pattern + r"\.\d+")
_DRAFT_S = 3600.0  # a draft is written in no time: nobody writes one that is older
_PROGRESS = re.compile(r"(\d+) of (\d+) files")
_STDERR_LIMIT = 100  # last lines that are remembered
_logger = logging.getLogger("lectern.job")

Ending: TypeAlias = Callable[[dict[str, Any]], None]


class Jobs:
    """Starts jobs and tells of them."""

    def __init__(self, settings: Settings, redactor: Redactor) -> None:
        self._settings = settings
        self._redactor = redactor
        self._folder = settings.index / FOLDER
        self._waiting = 0
        self._counting = threading.Lock()
        self._closed = threading.Event()
        self._child: subprocess.Popen[str] | None = None
        self._unwritten: dict[str, dict[str, Any]] = {}  # jobs whose end the disk did not take

    def check(self) -> None:
        """Raise RefusedError (503) where the index folder takes no files, so that no job can change it."""
        probe = self._folder.parent / f"lock.{uuid4().hex}"  # by its name no part of an index
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            probe.touch(exist_ok=False)
            probe.unlink()
        except OSError as error:
            raise _unwritable(error) from error

    def start(
        self, kind: str, arguments: Sequence[str], stdin: str = "", *, end: Ending | None = None
    ) -> dict[str, Any]:
        """Begin `python ARGUMENTS` when the jobs before it are through; returns what is known of it.

        `end` gets the job when its command is over, before the next one begins, and may change its
        state, result and error. Raises RefusedError (503) where too many wait or the index folder takes
        no files; `end` is not called then.
        """
        self.check()
        with self._counting:
            if self._waiting >= _MOST_WAITING:
                raise RefusedError(503, "busy", "too many jobs are waiting: come back when some are done")
            self._waiting += 1
        try:
            job = {
                "id": uuid4().hex, "kind": kind, "state": "queued", "created": _now(), "ended": None,
                "progress": None, "result": None, "error": None,
            }  # fmt: skip
            self._keep_few()
            self._write(job)
            self._catch_up()
        except BaseException:
            with self._counting:
                self._waiting -= 1
            raise
        threading.Thread(
            target=self._run, args=(dict(job), list(arguments), stdin, end), name="job", daemon=True
        ).start()
        return job

    def read(self, job_id: str) -> dict[str, Any]:
        """What is known of a job. Raises RefusedError (404)."""
        if job_id in self._unwritten:
            return dict(self._unwritten[job_id])
        try:
            if not _ID.fullmatch(job_id):
                raise FileNotFoundError  # noqa: TRY301 - the same to whoever asks
            job: dict[str, Any] = json.loads((self._folder / f"{job_id}.json").read_bytes())
        except (FileNotFoundError, ValueError) as error:
            raise RefusedError(404, "no-job", "there is no such job, or it was forgotten since") from error
        owner = job.pop("owner")
        if job["state"] in ("queued", "running") and not _alive(owner):
            job |= {"state": "failed", "error": "the service ended meanwhile: start it again"}
        return job

    def close(self) -> None:
        """End the running child; its state says so."""
        self._closed.set()
        child = self._child
        if child is not None:
            child.terminate()

    def _run(self, job: dict[str, Any], arguments: list[str], stdin: str, end: Ending | None) -> None:
        try:
            with FileLock(self._folder / "lock"):
                try:
                    if not self._closed.is_set():
                        self._carry_out(job, arguments, stdin)
                finally:
                    if end is not None:
                        end(job)
        except Exception as error:
            _logger.exception("job failed", extra={"fields": {"job": job["id"]}})
            job |= {"state": "failed", "error": f"unforeseen: {type(error).__name__}; see the service's log"}
        finally:
            with self._counting:
                self._waiting -= 1
        job |= {"ended": _now()}
        if not self._noted(job):
            self._unwritten[job["id"]] = job
            _logger.warning("the end of a job cannot be written", extra={"fields": {"job": job["id"]}})
        fields = {"job": job["id"], "kind": job["kind"], "state": job["state"]}
        _logger.info("job", extra={"fields": fields})

    def _carry_out(self, job: dict[str, Any], arguments: list[str], stdin: str) -> None:
        job["state"] = "running"
        self._noted(job)
        with tempfile.TemporaryFile("w+", encoding="utf-8") as given, command(arguments) as line:
            given.write(stdin)
            given.seek(0)
            child = subprocess.Popen(  # noqa: S603 - our own program; no word of it is a shell's
                line,
                env=environment(self._settings),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
            self._child = child
            if self._closed.is_set():  # while the child was made, so that close() did not see it
                child.terminate()
            with child:
                listening = threading.Thread(target=self._listen, args=(job, child), daemon=True)
                listening.start()
                assert child.stdout is not None  # noqa: S101 - asked for above
                printed = child.stdout.read()
                listening.join()
            self._child = None
        self._conclude(job, child.returncode, printed)

    def _listen(self, job: dict[str, Any], child: subprocess.Popen[str]) -> None:
        assert child.stderr is not None  # noqa: S101 - asked for above
        for line in child.stderr:
            job["said"] = line.strip()
            if found := _PROGRESS.search(line):
                job["progress"] = {"done": int(found[1]), "total": int(found[2])}
                self._noted(job)

    def _conclude(self, job: dict[str, Any], status: int, printed: str) -> None:
        """Exit status 1 is done, too: some documents failed, and the result names them."""
        said = job.pop("said", "")
        try:
            result = json.loads(printed)
        except ValueError:
            result = None
        if status in (0, 1) and isinstance(result, dict):
            job |= {"state": "done", "result": self._clean(result)}
        else:
            reason = said.removeprefix("error: ") or f"it ended with status {status}"
            job |= {"state": "failed", "error": self._redactor.text(reason)}

    def _clean(self, value: Any) -> Any:
        """The value without the server's folders in any of its texts."""
        if isinstance(value, str):
            return self._redactor.text(value)
        if isinstance(value, list):
            return [self._clean(each) for each in value]
        if isinstance(value, dict):
            return {name: self._clean(each) for name, each in value.items()}
        return value

    def _write(self, job: dict[str, Any]) -> None:
        shown = {name: value for name, value in job.items() if name != "said"}
        draft = self._folder / f"{job['id']}.{threading.get_ident()}"
        draft.write_text(json.dumps(shown | {"owner": _process(os.getpid())}), "utf-8")
        draft.replace(self._folder / f"{job['id']}.json")

    def _noted(self, job: dict[str, Any]) -> bool:
        """Write what is known, if the disk takes it: a full one stops no job nor who hears its child."""
        try:
            self._write(job)
        except OSError:
            return False
        return True

    def _catch_up(self) -> None:
        """Write the ends that the disk did not take then: other processes know them only from there."""
        for job_id, job in list(self._unwritten.items()):
            if self._noted(job):
                self._unwritten.pop(job_id, None)

    def _keep_few(self) -> None:
        """Forget the oldest jobs, and the drafts whose writer was killed; another process may do so, too."""
        changed: dict[Path, float] = {}
        for file in self._folder.iterdir():
            with suppress(FileNotFoundError):
                changed[file] = file.stat().st_mtime
        jobs = sorted((file for file in changed if file.suffix == ".json"), key=changed.__getitem__)
        stale = time.time() - _DRAFT_S
        drafts = [file for file in changed if _DRAFT.fullmatch(file.name) and changed[file] < stale]
        for file in [*jobs[: max(0, len(jobs) - _KEPT)], *drafts]:
            file.unlink(missing_ok=True)


def _unwritable(error: OSError) -> RefusedError:
    detail = f"the index cannot be changed here: its folder cannot be written ({error.strerror})"
    return RefusedError(503, "read-only", detail)


def _process(number: int) -> str:
    """What tells a process from every other that has its number before or after it; empty for none.

    In a container the first process has the same number each time: when it began tells them apart.
    """
    try:
        os.kill(number, 0)
        began = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]
    except ProcessLookupError:
        return ""
    except OSError:
        began = ""  # no /proc here, or another user's process
    return f"{number}:{began}"


def _alive(owner: object) -> bool:
    number = str(owner).partition(":")[0]
    return number.isdecimal() and _process(int(number)) == owner


def _now() -> str:
    return datetime.now(UTC).strftime("%FT%TZ")
