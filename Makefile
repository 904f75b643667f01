# Two commands: `make run` and `make test`. Both call `setup`, which is quick and silent where all is current.
PYTHON := $(or $(shell command -v python3 2>/dev/null),$(shell command -v python3.13 2>/dev/null),$(shell command -v python3.12 2>/dev/null),$(shell command -v python3.11 2>/dev/null),python3)
PY := .venv/bin/python
PYTEST := $(PY) -m pytest -n 2 --dist loadfile

# One thread in each test process: two of them already fill two cores.
TEST_ENV := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE HF_HUB_OFFLINE=1 HF_HUB_DISABLE_TELEMETRY=1 QT_QPA_PLATFORM=offscreen

APPLICATIONS := $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/applications

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests run lint format test test-all bench screenshots desktop lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup:  ## make or update .venv and what Qt needs of the system
	@$(PYTHON) packaging/setup_env.py

setup-tests:
	@$(PYTHON) packaging/setup_env.py --tests

run: setup  ## open the window; without a display, run the first study and write its report
	@$(PY) main.py start

lint: setup  ## ruff, import contracts, pyright
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/pyright

format: setup  ## put the code into shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

test: setup-tests lint  ## lint and test; with CI=true the slow tests too
	$(TEST_ENV) $(PYTEST) $(if $(filter true 1,$(CI)),,-m "not slow")

test-all: setup-tests lint  ## lint and every test
	$(TEST_ENV) $(PYTEST)

bench: setup  ## measure, and print the figures (some hours)
	@$(PY) -m pip install -q "lm-eval==0.4.13"
	$(PY) -m pytest tests/bench -o python_files='bench_*.py' -p no:xdist -s -q --timeout 0

screenshots: setup  ## draw every page into build/screenshots; LAB=data-folder: of that lab, and docs/screenshot.png anew
	QT_QPA_PLATFORM=offscreen $(PY) packaging/screenshots.py build/screenshots $(if $(LAB),--home "$(LAB)" --readme docs/screenshot.png)

desktop: setup  ## put the lab into the applications menu (Linux)
	@mkdir -p "$(APPLICATIONS)"
	@sed 's|@ROOT@|$(CURDIR)|g' packaging/tuning-fork.desktop.in > "$(APPLICATIONS)/tuning-fork.desktop"
	@echo "Written: $(APPLICATIONS)/tuning-fork.desktop"

lock: setup  ## pin every package anew (needs uv)
	$(PY) packaging/lock.py

clean:  ## remove caches; .venv and your results stay
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -type d -prune -exec rm -rf {} +
