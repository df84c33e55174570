"""What 10^6, 10^8 and 10^10 passages need: the arithmetic behind docs/scale.md.

    python docs/scale.py

Measured figures are from docs/performance.md and docs/bench_milvus.py; assumed ones say so.
"""

from __future__ import annotations

from dataclasses import dataclass

DIMENSION = 384
FLOAT = 4
# Measured: distinct terms and characters of a passage of 181 tokens, bytes of its row beside those.
TERMS, TEXT, ROW = 90, 800, 350
SPARSE_ENTRY = 8  # a term's number and its weight
HNSW_LINKS = 2 * 16 * 4  # M = 16: 2 M neighbours of 4 bytes in the lowest layer
DISKANN_SHARE = 0.125  # assumed: Milvus's default, compressed vectors in memory over whole ones on disk
NODE_GB, USED = 128, 0.7  # a query node's memory, and how much of it may be filled
EMBEDDED_BYTES = 266 + 325 + 1_536 + TEXT + ROW  # measured: dense codes, sparse files, and the record
# Passages embedded in a second: measured on two cores with AMX; assumed for one H100 (none was at hand).
CORES_2, H100 = 193, 10_000
WRITER_DOCUMENTS = 90  # a second, measured against milvus-lite that holds 600: 11 ms each
PASSAGES_A_DOCUMENT = 10
READERS_KEY = 8  # bytes that a reader of the embedded engine holds for each passage
DOCUMENT_ROW = 300  # bytes that a publish holds for each living document


@dataclass(frozen=True, slots=True)
class Needs:
    """What so many passages need."""

    passages: int

    @property
    def disk_gb(self) -> float:
        """Rows, vectors and terms once, without replicas."""
        return self.passages * (DIMENSION * FLOAT + TERMS * SPARSE_ENTRY + TEXT + ROW) / 1e9

    @property
    def hnsw_gb(self) -> float:
        """Memory of vectors and links, and of the sparse index."""
        return self.passages * (DIMENSION * FLOAT + HNSW_LINKS + TERMS * SPARSE_ENTRY) / 1e9

    @property
    def diskann_gb(self) -> float:
        """Memory of compressed vectors; the sparse index memory-mapped, a fifth of it assumed hot."""
        return self.passages * (DIMENSION * FLOAT * DISKANN_SHARE + TERMS * SPARSE_ENTRY / 5) / 1e9

    @property
    def embedded_gb(self) -> float:
        """Files of the embedded engine."""
        return self.passages * EMBEDDED_BYTES / 1e9


def main() -> None:
    """Print the table."""
    sizes = [Needs(10**power) for power in (6, 8, 10)]
    rows = [
        ("embedded engine: files, GB", [f"{each.embedded_gb:,.1f}" for each in sizes]),
        ("embedded engine: a reader's keys, GB", [_gb(each.passages * READERS_KEY) for each in sizes]),
        ("Milvus: data once, GB", [f"{each.disk_gb:,.1f}" for each in sizes]),
        ("HNSW: memory, GB", [f"{each.hnsw_gb:,.1f}" for each in sizes]),
        (f"HNSW: query nodes of {NODE_GB} GB", [_nodes(each.hnsw_gb) for each in sizes]),
        ("DiskANN: memory, GB", [f"{each.diskann_gb:,.1f}" for each in sizes]),
        (f"DiskANN: query nodes of {NODE_GB} GB", [_nodes(each.diskann_gb) for each in sizes]),
        ("embedding, H100 hours (assumed rate)", [_hours(each.passages / H100) for each in sizes]),
        ("embedding, hours on two AMX cores", [_hours(each.passages / CORES_2) for each in sizes]),
        (
            "one writer, hours",
            [_hours(each.passages / PASSAGES_A_DOCUMENT / WRITER_DOCUMENTS) for each in sizes],
        ),
        (
            "a publish's list of documents, GB",
            [_gb(each.passages / PASSAGES_A_DOCUMENT * DOCUMENT_ROW) for each in sizes],
        ),
    ]
    print("| | 10^6 | 10^8 | 10^10 |\n|---|---|---|---|")
    for name, found in rows:
        print(f"| {name} | {' | '.join(found)} |")


def _nodes(gigabytes: float) -> str:
    return str(max(1, -int(-gigabytes // (NODE_GB * USED))))


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.2f}" if seconds < 36_000 else f"{seconds / 3600:,.0f}"


def _gb(size: float) -> str:
    return f"{size / 1e9:,.2f}"


if __name__ == "__main__":
    main()
