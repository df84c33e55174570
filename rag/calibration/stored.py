"""The calibration of an index: a file beside its manifest, sealed by its digest and replaced whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from rag.calibration.curve import Promise, keeping, promise
from rag.calibration.evidence import VERSION, Group
from rag.errors import IndexDamaged, RagError
from rag.files import flush
from rag.prompt import Language

FILE = "calibration.json"
LOST = 0.03  # of the right answers may be refused where no risk is to be kept to
# Of few right answers the least sure decides: below this, nineteen of twenty are wrong, and so is what is
# found for a question about something else altogether.
LEAST = 0.05
_SEAL = "sha256"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question made from the documents: the calibrated confidence of its answer, and whether it was
    right; an answer to a near miss never is.
    """

    confidence: float
    right: bool
    near_miss: bool


@dataclass(frozen=True, slots=True)
class Fitted:
    """One group's map from score to P(right), by `slope` and `intercept`, and the questions it rests on."""

    language: Language
    dense: bool
    slope: float
    intercept: float
    outcomes: tuple[Outcome, ...]

    @property
    def group(self) -> Group:
        """Which questions it is for."""
        return self.language, self.dense

    def promise(self, risk: float) -> Promise | None:
        """What can be promised at an accepted risk; see `rag.calibration.curve.promise`."""
        outcomes = self.outcomes
        return promise([each.confidence for each in outcomes], [each.right for each in outcomes], risk)

    def threshold(self, risk: float) -> Promise | None:
        """Where answers begin: as promised for an accepted risk, or so that right answers of some confidence
        are kept where that is 0 or cannot be kept to. None where right answers are too few even for this.
        """
        made = self.promise(risk) if risk else None
        outcomes = self.outcomes
        confidences, right = [each.confidence for each in outcomes], [each.right for each in outcomes]
        return made or keeping(confidences, right, LOST, LEAST)

    def near_misses_answered(self, confidence: float) -> tuple[int, int]:
        """How many of the near misses are answered from this confidence on, and how many there are."""
        misses = [each for each in self.outcomes if each.near_miss]
        return sum(each.confidence >= confidence for each in misses), len(misses)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was found on questions made from the documents of `generation`.

    `made_with` digests the settings that shape what is retrieved and quoted; `documents` and `mark` tell
    how much has changed since; `short` says of a language why nothing was fitted for it.
    """

    generation: str
    documents: int
    mark: int
    made_with: str
    groups: tuple[Fitted, ...]
    short: Mapping[str, str]
    version: str = VERSION


class Thresholds:
    """Where the calibration of an index has answers begin; looked at with every question, so cheap."""

    def __init__(self, folder: Path, made_with: str, risk: float) -> None:
        self._file = folder / FILE
        self._made_with = made_with
        self._risk = risk
        self._known: tuple[object, Mapping[Group, tuple[Fitted, Promise]]] = (None, {})

    def __call__(self) -> Mapping[Group, tuple[Fitted, Promise]]:
        """By group, where there is one; empty without a calibration or with one made under other settings.

        Raises IndexDamaged as `read_calibration` does.
        """
        try:
            status = self._file.stat()
        except OSError:
            return {}
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if self._known[0] != stamp:
            self._known = (stamp, self._read())
        return self._known[1]

    def _read(self) -> Mapping[Group, tuple[Fitted, Promise]]:
        found = read_calibration(self._file.parent)
        if found is None or found.made_with != self._made_with:
            return {}
        made = [(each, each.threshold(self._risk)) for each in found.groups]
        return {fitted.group: (fitted, begins) for fitted, begins in made if begins is not None}


def read_calibration(folder: Path) -> Calibration | None:
    """The calibration of the index in `folder`; None without one, or with one of another version.

    Raises IndexDamaged if the file is not what was written.
    """
    file = folder / FILE
    try:
        content = _unsealed(file.read_bytes())
        if content.get("version") != VERSION:
            return None
        return TypeAdapter(Calibration).validate_json(json.dumps(content), strict=True)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise IndexDamaged(
            f"{file} is damaged: remove it, or run `python -m ingest` on your folder with --index {folder} "
            "again, it is made anew"
        ) from error
    except OSError as error:
        raise IndexDamaged(f"{file}: {error.strerror}") from error


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Replace the calibration as a whole. Raises RagError if the disk does not take it."""
    content = asdict(calibration)
    content[_SEAL] = _seal(json.loads(json.dumps(content)))
    draft = folder / f"{FILE}.new"
    try:
        draft.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
        flush(draft)
        draft.replace(folder / FILE)
        flush(folder)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise RagError(f"{folder / FILE} cannot be written: {error.strerror}") from error


def _unsealed(written: bytes) -> dict[str, object]:
    content = json.loads(written)
    if not isinstance(content, dict) or content.pop(_SEAL, "") != _seal(content):
        raise ValueError("the seal is broken")
    return content


def _seal(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()
