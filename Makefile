# Every target sets itself up: `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Nothing is fetched at run time; a model named by hub name needs `make ... OFFLINE=0` once.
OFFLINE ?= 1
export HF_HUB_OFFLINE := $(OFFLINE)

INDEX   ?= index
DATASET ?= tests/golden/beir
# Documents, vectors and chunks that `make bench` measures with.
BENCH   ?= 20000

.DEFAULT_GOAL := help
.PHONY: help install demo test test-faults test-milvus test-ray test-nginx serve eval bench lint types arrows check guide clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## Virtual environment with pinned dependencies in .venv

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13) and "Lectern needs Python 3.11 or 3.12: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

demo: install ## Ingest the guide, ask in English and in Chinese, print the answers with citations
	$(BIN)/python docs/demo.py

test: install ## Run the tests
	$(BIN)/python -m pytest

test-faults: install ## Every fault there is a test for: takes an hour or more
	LECTERN_FAULTS=all LECTERN_PDF_MUTANTS=1000 $(BIN)/python -m pytest tests/faults tests/rag/test_engine.py tests/ingest/test_kill.py tests/ingest/loaders/test_pdf_faults.py

test-milvus: install ## The store in Milvus: contract, killed writers, copies
	$(BIN)/python -m pytest tests/contracts/test_store_contract.py tests/rag/stores/test_milvus*.py tests/rag/test_copying.py

test-ray: install ## Ingest on a Ray cluster of several nodes on this host, some of them killed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[ray]"
	$(BIN)/python -m pytest tests/ingest/test_on_ray.py

test-nginx: install ## Three services behind nginx, one killed under load (needs nginx)
	$(BIN)/python -m pytest tests/api/test_nginx.py

serve: install ## Serve INDEX on http://127.0.0.1:8000
	$(BIN)/python -m api --index $(INDEX)

eval: install ## Evaluate all modes on DATASET (a folder in BEIR layout)
	$(BIN)/python -m eval $(DATASET)

guide: install ## Make the guide's PDF anew
	$(BIN)/python docs/make_pdf.py

bench: install ## How fast it is here: embedding, both indexes beside the libraries, the engine as a whole
	$(BIN)/python docs/bench_embedding.py
	$(BIN)/python docs/bench_sparse.py --documents $(BENCH)
	$(BIN)/python docs/bench_dense.py --vectors $(BENCH)
	$(BIN)/python docs/bench_engine.py --chunks $(BENCH)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

arrows: install
	$(BIN)/lint-imports

check: lint types arrows test ## All that CI runs

clean: ## Remove the environment, caches and the demo's index
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
