# Every command sets up what it needs first: system packages (scripts/packages.txt), .tools (uv) and .venv.
.PHONY: help run test check screenshots build package bench lock format clean
.DEFAULT_GOAL := help
SHELL := /bin/bash
python := .venv/bin/python
# Handed on to what the command starts: make run ARGS=--hidden, make test ARGS="tests/domain -k states".
ARGS ?=

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Open the app on its sandbox (without a display: play the tour on a virtual screen)
	@scripts/run $(ARGS)

test: ## Run the whole suite in a private desktop session (ARGS="tests/domain -k states" runs a part)
	@scripts/system-packages test
	@scripts/environment
	@$(python) scripts/session scripts/suite $(ARGS)

check: ## Formatting, lint, types and import contracts, in seconds
	@scripts/system-packages check
	@scripts/environment
	@$(python) -m ruff format --check --quiet . || { echo "make format puts the formatting right." >&2; exit 1; }
	@$(python) -m ruff check --quiet .
	@$(python) -m mypy --no-error-summary
	@.venv/bin/lint-imports --no-logo

format: ## Format the code and mend what lint can mend by itself
	@scripts/system-packages check
	@scripts/environment
	@$(python) -m ruff format .
	@$(python) -m ruff check --fix .

screenshots: ## Play the sandbox tour and renew the pictures in docs/screenshots
	@scripts/system-packages test
	@scripts/environment
	@scripts/tour docs/screenshots

build: ## Freeze the app into dist/reply-desktop (REPLY_DESKTOP_BAKED=providers.json bakes client ids in)
	@scripts/system-packages build
	@scripts/environment
	@PYTHONHASHSEED=1 $(python) -m PyInstaller --noconfirm --log-level WARN build.spec

package: build ## Pack the frozen app as dist/reply-desktop_VERSION_ARCHITECTURE.deb, for Debian and Ubuntu
	@$(python) scripts/package.py

bench: ## Measure against the targets of docs/performance.md (ARGS=tests/benchmarks/bench_store.py for one)
	@scripts/system-packages test
	@scripts/environment
	@$(python) scripts/session $(python) -m pytest -o python_files='bench_*.py' --timeout 1800 -s $(or $(ARGS),tests/benchmarks)

lock: ## Renew requirements.lock after a change of pyproject.toml (ARGS=--upgrade takes newer releases)
	@scripts/lock $(ARGS)

clean: ## Remove what was built, .venv and .tools
	rm -rf .venv .tools build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache reply_desktop.egg-info
