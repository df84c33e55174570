"""The few kinds of failure, by who must act. A message names the thing and says the next step."""

from __future__ import annotations


class RagError(Exception):
    """Base of every error a user may see; `str(error)` is one clear line."""


class SettingError(RagError):
    """A setting, flag or path is wrong: the user changes it."""


class DocumentError(RagError):
    """One document cannot be read: its owner mends the file; the others go on."""


class IndexMissing(RagError):
    """There is no index yet: the user ingests something first."""


class IndexDamaged(RagError):
    """A file of the index is missing or not what was written: it is rebuilt from the record."""


class IndexReplaced(RagError):
    """The generation being read was replaced twice meanwhile: ask again."""


class IndexBusy(RagError):
    """Another process is writing this index: wait for it."""


class QuestionError(RagError):
    """The question is empty or too long: the asker changes it."""


class GeneratorError(RagError):
    """The model did not answer: the operator looks at the named setting or server."""


class RerankerError(GeneratorError):
    """The reranker did not score what was found: the operator looks at the named setting or server."""


class Cancelled(RagError):
    """Whoever asked has gone: the model stopped in the middle, and nobody needs to do anything."""
