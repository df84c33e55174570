"""How many planted secrets are found, how many alarms are false, and how fast.

`python docs/bench_secrets.py [FOLDER] [--missed]` counts as found a secret whose every character lies in
a found range, over the notes of `secret_notes.py`; `--missed` lists the templates whose secrets were
missed. FOLDER, of Markdown files, gives the alarms on texts that should have few (file, line and kind),
and the speed. No secret of FOLDER is printed.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from secret_notes import FILLER, planted

from ingest.secrets.find import find


def main() -> int:
    """Print the hit rate by kind, then what was found in the folder."""
    _hits(missed="--missed" in sys.argv)
    _speed_on_notes()
    for folder in [argument for argument in sys.argv[1:] if not argument.startswith("-")]:
        _alarms(Path(folder))
    return 0


def _hits(*, missed: bool) -> None:
    hit: defaultdict[str, list[bool]] = defaultdict(list)
    lost: Counter[tuple[str, str]] = Counter()
    beside = 0
    for kind, form, note, start, end in planted():
        found = find(note)
        covered = {at for one in found for at in range(one.start, one.end)}
        hit[kind].append(covered.issuperset(range(start, end)))
        lost[kind, form] += not hit[kind][-1]
        beside += sum(one.end <= start or one.start >= end for one in found)
    hit["all"] = [result for results in hit.values() for result in results]
    for kind, results in hit.items():
        print(f"{kind:<24} {sum(results):4} of {len(results):4}  {sum(results) / len(results):6.1%}")
    print(f"alarms beside the planted secrets: {beside}")
    if missed:
        for (kind, form), count in lost.most_common():
            if count:
                print(f"  missed {count} times: {kind}: {form!r}")


def _speed_on_notes() -> None:
    full = "\n".join(note for _, _, note, _, _ in planted())
    bare = "\n".join(FILLER * 500)
    print(f"notes full of secrets: {_rate([full]):.1f} MB/s on one core; without: {_rate([bare]):.1f} MB/s")


def _alarms(folder: Path) -> None:
    files = sorted(folder.rglob("*.md"))
    texts = [file.read_text("utf-8") for file in files]
    size = sum(len(text.encode()) for text in texts) / 1e6
    found = {file: alarms for file, text in zip(files, texts, strict=True) if (alarms := find(text))}
    count = sum(map(len, found.values()))
    for file, alarms in found.items():
        for one in alarms:
            print(f"  {file.relative_to(folder)}:{one.line}: {one.kind}")
    print(f"{len(found)} of {len(files)} files with an alarm, {count / size:.2f} alarms/MB of {size:.1f} MB")
    print(f"{_rate(texts):.1f} MB/s on one core")


def _rate(texts: list[str]) -> float:
    began = time.process_time()
    for text in texts:
        find(text)
    return sum(len(text.encode()) for text in texts) / 1e6 / (time.process_time() - began)


if __name__ == "__main__":
    sys.exit(main())
