"""What an embedding model wants in front of questions and passages.

Many models were trained with such texts and lose much without them. Three places say which, the first
wins: the setting; the model itself, in the `prompts` of config_sentence_transformers.json; the table
below, by the model's name. A model that none of them knows gets none.

The table follows the models' own cards and code: FlagEmbedding's README (bge), unilm's e5/README (e5),
the README of QwenLM/Qwen3-Embedding (no space behind "Query:"), the cards of gte-Qwen2, stella_en_v5,
nomic-embed-text, modernbert-embed-base, arctic-embed, mxbai-embed-large, jina-embeddings-v3 and
embeddinggemma, held against mteb/models/*_models.py of embeddings-benchmark/mteb. bge-m3, jina v2 and
the gte encoders were trained without and are not in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The value of a setting that leaves the choice to the model and the table.
AUTO = "auto"

_SEARCHING = "Represent this sentence for searching relevant passages: "
_TASK = "Given a web search query, retrieve relevant passages that answer the query"
# In the names that model folders give to their prompts, the likeliest first.
_QUERY_NAMES = ("query", "retrieval.query", "s2p_query")
_PASSAGE_NAMES = ("document", "passage", "corpus", "retrieval.passage")


@dataclass(frozen=True, slots=True)
class Prompts:
    """The text in front of a question and the one in front of a passage; empty: none."""

    query: str = ""
    passage: str = ""


# The beginnings of model names, the organisation left out; the first that fits counts.
_BY_NAME = tuple(
    (re.compile(rf"{pattern}(?![a-z0-9])"), prompts)
    for pattern, prompts in (
        (r"bge-(?:small|base|large)-en", Prompts(_SEARCHING)),
        (r"bge-(?:small|base|large)-zh", Prompts("为这个句子生成表示以用于检索相关文章：")),
        (r"multilingual-e5-large-instruct|e5-mistral-7b-instruct", Prompts(f"Instruct: {_TASK}\nQuery: ")),
        (r"(?:multilingual-)?e5-(?:small|base|large)", Prompts("query: ", "passage: ")),
        (r"gte-qwen(?:2|1\.5)-[0-9.]+b-instruct", Prompts(f"Instruct: {_TASK}\nQuery: ")),
        (r"qwen3-embedding", Prompts(f"Instruct: {_TASK}\nQuery:")),
        (r"stella-en-(?:400m|1\.5b)-v5", Prompts(f"Instruct: {_TASK}.\nQuery: ")),
        (r"nomic-embed-text|modernbert-embed", Prompts("search_query: ", "search_document: ")),
        (r"snowflake-arctic-embed-[ml]-v2\.0", Prompts("query: ")),
        (r"snowflake-arctic-embed", Prompts(_SEARCHING)),
        (r"mxbai-embed-(?:2d-)?large-v1", Prompts(_SEARCHING)),
        (r"deepset-mxbai-embed-de-large-v1", Prompts("query: ", "passage: ")),
        (
            r"jina-embeddings-v3",
            Prompts(
                "Represent the query for retrieving evidence documents: ",
                "Represent the document for retrieval: ",
            ),
        ),
        (r"embeddinggemma", Prompts("task: search result | query: ", "title: none | text: ")),
    )
)


def by_name(name: str) -> Prompts:
    """The prompts that the table has for a model's name, with or without its organisation."""
    bare = name.rpartition("/")[2].casefold().replace("_", "-")
    return next((prompts for pattern, prompts in _BY_NAME if pattern.match(bare)), Prompts())


def carried(config: Mapping[str, object]) -> Prompts | None:
    """The prompts in a model's config_sentence_transformers.json; None where it has none but empty ones.

    Its `default_prompt_name` is the one for what has no prompt of its own, as in sentence-transformers.
    """
    prompts = config.get("prompts")
    named = {str(key): str(value) for key, value in prompts.items()} if isinstance(prompts, Mapping) else {}
    default = named.get(str(config.get("default_prompt_name")), "")

    def first(names: tuple[str, ...]) -> str:
        return next((named[name] for name in names if name in named), default)

    found = Prompts(first(_QUERY_NAMES), first(_PASSAGE_NAMES))
    return found if found != Prompts() else None


def chosen(wanted: Prompts, known: Prompts) -> Prompts:
    """What the settings say, `wanted`, with what is `known` of the model where they say "auto"."""
    return Prompts(
        known.query if wanted.query == AUTO else wanted.query,
        known.passage if wanted.passage == AUTO else wanted.passage,
    )


def name_of(folder: Path) -> str:
    """A model folder's name; that of the model where the folder is a snapshot in the hub's cache."""
    path = folder.resolve()
    repository = path.parent.parent.name
    if path.parent.name == "snapshots" and repository.startswith("models--"):
        return repository.removeprefix("models--").replace("--", "/")
    return path.name
