# Two commands on a fresh machine: `make demo`, `make test`. Everything else is for developers.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Options for ruff, which reads no setup.cfg, from the section of setup.cfg that is named.
ruff_options = $$($(BIN)/python tests/ruff_options.py $(1))

.PHONY: demo test lint unit sweep machine guarantees bench clean

demo: $(VENV)/installed
	$(BIN)/hlb lab demo

test: lint unit

lint: $(VENV)/installed-dev
	$(BIN)/ruff check $(call ruff_options,ruff-check) hlb_hooks
	$(BIN)/ruff check $(call ruff_options,ruff-check-tests) tests
	$(BIN)/ruff format --check $(call ruff_options,ruff) hlb_hooks tests
	$(BIN)/mypy

unit: $(VENV)/installed-dev
	sh tests/install_debian_packages.sh
	$(BIN)/python tests/measure.py erase
	$(BIN)/python tests/measure.py run
	$(BIN)/python tests/measure.py report

# Longer searches for what the tests did not think of. CI runs them too.
sweep: $(VENV)/installed-dev
	sh tests/install_debian_packages.sh
	$(BIN)/python -m pytest tests/sweep

machine: $(VENV)/installed-dev
	sh tests/install_debian_packages.sh
	$(BIN)/python -m pytest tests/machine

guarantees: $(VENV)/installed-dev
	sh tests/install_debian_packages.sh
	$(BIN)/python tests/guarantees/break_each.py

bench: $(VENV)/installed-dev
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	sh packaging/make_venv.sh $(PYTHON) $(VENV)

$(VENV)/installed: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
