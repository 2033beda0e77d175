# The words people type: run, test, check, bench, browser, lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000

.PHONY: run test check bench browser lock format help
.DEFAULT_GOAL := help

help:
	@echo "make run      serve on http://$(HOST):$(PORT)/ (HOST and PORT are yours to set)"
	@echo "make test     every test, the browser's included"
	@echo "make check    format, lint, types, import contracts, migrations, deploy settings"
	@echo "make bench    the benchmarks, peers included; writes bench/REPORT.md (ROUNDS=3)"
	@echo "make browser  find or install the browser that the tests drive"
	@echo "make lock     pin the dependencies of pyproject.toml anew"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is %d.%d." % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is needed (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }

# A stamp for each set of pins: installed again only when the pins change.
$(VENV)/%.installed: requirements/%.txt | $(BIN)/python
	@echo "Installing requirements/$*.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$*.txt
	@touch $@

# Hashed and compressed once, again only when a file changed: pages of the laptop are as light as deployed ones.
STATIC_MANIFEST := $(or $(CRITICAL_PATH_VAR),var)/static/staticfiles.json
$(STATIC_MANIFEST): $(VENV)/run.installed $(shell find static -type f)
	@$(BIN)/python manage.py collectstatic --no-input --verbosity 0
	@touch $@

run: $(VENV)/run.installed $(STATIC_MANIFEST)
	@$(BIN)/python manage.py start --host $(HOST) --port $(PORT)

browser: $(VENV)/dev.installed
	@$(BIN)/python -m tests.browser.chromium

test: browser
	@$(BIN)/python -m tests.run

check: $(VENV)/dev.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.conventions.deploy_check
	$(BIN)/python -m tests.conventions.turn_states

bench: $(VENV)/dev.installed
	@$(BIN)/python -m bench.report $(if $(ROUNDS),--rounds $(ROUNDS))

format: $(VENV)/dev.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/dev.installed
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra service pyproject.toml -o requirements/service.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements/dev.txt
