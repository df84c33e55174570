"""Source code and configuration files: the file as one code block under its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest.loaders._compose import fence, heading
from ingest.loaders._decode import decode, read_bytes
from ingest.loaders.text import empty_warning
from rag.protocols.documents import Loader
from rag.types import Loaded

_LANGUAGES = {
    ".py": "python", ".pyi": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".jsx": "jsx", ".ts": "typescript", ".tsx": "tsx", ".vue": "vue", ".go": "go", ".rs": "rust",
    ".java": "java", ".kt": "kotlin", ".scala": "scala", ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp",
    ".cxx": "cpp", ".hpp": "cpp", ".cu": "cuda", ".cs": "csharp", ".rb": "ruby", ".php": "php",
    ".swift": "swift", ".lua": "lua", ".r": "r", ".jl": "julia", ".sh": "bash", ".bash": "bash",
    ".zsh": "bash", ".ps1": "powershell", ".bat": "batch", ".sql": "sql", ".proto": "protobuf",
    ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".ini": "ini", ".cfg": "ini", ".conf": "ini",
    ".css": "css", ".cmake": "cmake", ".dockerfile": "dockerfile",
}  # fmt: skip
SUFFIXES: tuple[str, ...] = tuple(_LANGUAGES)
MAX_BYTES = 20_000_000


def build(max_bytes: int = MAX_BYTES) -> Loader:
    """A loader of source code files of at most `max_bytes` bytes."""
    return CodeLoader(max_bytes)


@dataclass(frozen=True)
class CodeLoader:
    """Reads one source file; metadata: `type` "markdown", `format` "code", `language`, `title`.

    The text is the file's name as a heading and the code in a fence, so that every chunk carries the
    name and is cut between lines. Garbled strings in code are reported and left: they may be meant.
    """

    max_bytes: int = MAX_BYTES

    def load(self, path: Path) -> Loaded:
        decoded = decode(read_bytes(path, self.max_bytes), mend=False)
        language = _LANGUAGES.get(path.suffix.lower(), "")
        metadata = {"type": "markdown", "format": "code", "language": language}
        if not decoded.text.strip():
            return Loaded(decoded.text, metadata=metadata, warnings=empty_warning(decoded.text))
        name = decode(path.name.encode("utf-8", "replace"), mend=False).text
        metadata["title"] = name
        text = f"{heading(1, name)}\n\n{fence(decoded.text, language)}\n"
        return Loaded(text, metadata=metadata, warnings=decoded.warnings)
