# `make demo` and `make test` work on a fresh machine: each target sets up what it needs.
#
#   VENV=DIR    the virtual environment, .venv unless given
#   PYTHON=P    the interpreter that makes it, 3.11 or later
#   ARGS=…      further arguments of demo, test, bench and golden

VENV ?= .venv
ARGS ?=
# Containers often show more processors than they may use.
PYTEST_WORKERS ?= -n logical --maxprocesses 8
CHAOS_SECONDS ?= 1800

RUN := $(VENV)/bin/python
export VENV PYTHON

# What a shell's own settings would do to pip and Python here.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONDONTWRITEBYTECODE PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_HASHES

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench soak docs fmt lint types layers lock golden clean

help: ## shows these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile

setup: ## makes or renews the virtual environment, where that is needed
	@sh .ci/environment

demo: setup ## runs the main job on sample data, with a PostgreSQL of its own
	@$(RUN) -m gitexport demo $(ARGS)

test: setup ## runs all tests, on a real PostgreSQL and the real git
	@$(RUN) -m pytest $(PYTEST_WORKERS) $(ARGS)

check: lint types layers docs test ## proves everything: lint, types, layers, docs, tests

bench: setup ## measures speed and memory against their limits
	@$(RUN) -m tests.bench $(ARGS)

# The random tests read CHAOS_SECONDS when they are collected; 20 seconds unless given.
soak: setup ## kills exports for CHAOS_SECONDS and at every call, and looks for what was lost
	@CHAOS_SECONDS=$(CHAOS_SECONDS) $(RUN) -m pytest -p no:randomly tests/crash tests/faults -m "soak or slow" $(ARGS)

docs: setup ## checks the links and targets that README.md and docs/ name
	@$(RUN) -m tests.documentation

fmt: setup ## formats the code
	@$(RUN) -m ruff check --fix --quiet gitexport tests; $(RUN) -m ruff format gitexport tests

lint: setup ## checks the code's style
	@$(RUN) -m ruff check gitexport tests
	@$(RUN) -m ruff format --check gitexport tests

types: setup ## checks the types
	@$(RUN) -m mypy

layers: setup ## checks that imports only go downwards
	@$(RUN) -c 'import sys; from importlinter.cli import lint_imports as f; sys.exit(f(no_logo=True))'

# A test below tests/golden that can renew its files does so where RENEW_GOLDEN is set.
golden: setup ## renews the expected bytes below tests/golden; review the difference
	@RENEW_GOLDEN=1 $(RUN) -m pytest tests/golden $(ARGS)

lock: setup ## renews requirements.lock
	@$(RUN) -m pip install --quiet 'uv>=0.5'
	@sh .ci/lock

clean: ## removes what the other targets made
	@rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find gitexport tests -name __pycache__ -type d -prune -exec rm -rf {} +
