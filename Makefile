# Everything runs in .venv, which is made from nothing but python3 >= 3.11 with venv and pip.
PYTHON ?= python3
BIN := .venv/bin
# The lowest versions have wheels for Python 3.11 and 3.12 only.
LOWEST_PYTHON ?= python3.11
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What running needs, and what developing needs on top.
INSTALLED := .venv/.installed
READY := .venv/.ready
# As many processes as there are CPUs, 8 at most.
PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 8

.PHONY: help run test test-fast test-browser test-lowest test-package fuzz audit pictures lint format typecheck examples generated check bench clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.* ## /\1\t/' | expand -t 12

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("oomsel needs Python 3.11 or later, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Installing oomsel and the five packages that it needs in .venv: about 20 s, 130 MB"
	@$(PYTHON) -m venv .venv
	@$(PIP) --editable .
	@# Editable code gets no bytecode from pip, and an environment may forbid Python to write it: a third of the start-up.
	@$(BIN)/python -m compileall -q oomsel
	@touch $@

$(READY): $(INSTALLED)
	@echo "Installing what tests and checks need in .venv: about a minute, 960 MB in all"
	@$(PIP) --upgrade 'pip>=25.1'
	@$(PIP) --group dev
	@touch $@

run: $(INSTALLED) ## set up what running needs, and run the main job on a shipped example
	$(BIN)/oomsel select examples/real-contest.yaml

test: $(READY) ## set up what developing needs, and run the tests
	$(PYTEST)

test-fast: $(READY) ## the tests but for those that take over a second each; laws are tried on fewer examples
	$(PYTEST) -m "not slow" --hypothesis-profile fast

test-package: ## build sdist and wheel, install the wheel in an empty environment, and try it there
	PYTHON=$(PYTHON) .ci/package

.venv-lowest/.ready: pyproject.toml .ci/lowest.txt
	@echo "Installing the lowest versions that are allowed in .venv-lowest: about a minute, 600 MB; wants Python 3.11 or 3.12"
	@$(LOWEST_PYTHON) -m venv .venv-lowest
	@.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint .ci/lowest.txt \
		--editable '.[study,fleet,html,pandas,dask,drgn,zstd]' --group dev
	@touch $@

test-lowest: .venv-lowest/.ready ## the tests with the lowest versions of what is needed, see .ci/lowest.txt
	.venv-lowest/bin/python -m pytest -n logical --maxprocesses 8

audit: $(READY) ## ask the advisory database of PyPI, over the network, about everything that is installed in .venv
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.7'
	.venv-audit/bin/pip-audit --progress-spinner off --skip-editable \
		--path "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

# axe-core, which looks for what keeps people out of a page; a development tool, in no package.
AXE := node_modules/axe-core/axe.min.js

$(AXE):
	@command -v npm >/dev/null || { echo "axe-core comes from npm, which is not installed: apt-get install npm" >&2; exit 2; }
	npm install --no-save --no-package-lock --no-audit --no-fund axe-core@4

test-browser: $(READY) $(AXE) ## the tests of explain's page in Chromium (apt-get install chromium), with axe-core from npm
	OOMSEL_TEST_BROWSER=1 $(PYTEST) tests/outputs/page/test_browser.py

pictures: $(READY) ## make anew the pictures in README.md, from real runs; needs Chromium
	$(BIN)/python -m tests.pictures

# How long, and which attacks; the same seed makes the same ones.
MINUTES ?= 5
SEED ?=

fuzz: $(READY) ## attack every input form for MINUTES, with SEED the same way again; what breaks a law is kept
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

lint: $(READY) ## look for mistakes and for code that is not formatted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: $(READY) ## check the types
	$(BIN)/mypy

examples: $(INSTALLED) ## hold the shipped scenarios to what they expect
	$(BIN)/oomsel check --strict examples

generated: $(INSTALLED) ## make anew what is made from the code: each format's schema and reference
	$(BIN)/oomsel schema --output examples/oomsel.schema.json
	$(BIN)/oomsel schema --format markdown --output examples/FORMAT.md
	$(BIN)/oomsel schema --of workload --output examples/workload.schema.json
	$(BIN)/oomsel schema --of workload --format markdown --output examples/WORKLOAD.md
	$(BIN)/oomsel schema --of study --output examples/study.schema.json
	$(BIN)/oomsel schema --of study --format markdown --output examples/STUDY.md
	for what in explanation all-events check bench; do \
	    $(BIN)/oomsel schema --of $$what --output examples/printed/$$what.schema.json; \
	    $(BIN)/oomsel schema --of $$what --format markdown --output examples/printed/$$what.md; done

check: lint typecheck test examples ## lint, typecheck, test and check the examples: what to run before pushing

bench: $(READY) ## measure what matters as ratios, with the target beside each
	$(BIN)/python -m tests.bench

clean: ## remove what the other targets made
	rm -rf .venv .venv-lowest .venv-audit .mypy_cache .pytest_cache .ruff_cache .hypothesis dist fuzz-failures node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
