# Two commands on a fresh machine: `make demo`, `make test`. Everything else is for developers.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Options for ruff, which reads no setup.cfg, from the section of setup.cfg that is named.
ruff_options = $$($(BIN)/python tests/ruff_options.py $(1))

.PHONY: demo test lint unit sweep machine guarantees bench runtime rpm packages clean

demo: $(VENV)/installed
	$(BIN)/hlb lab demo

test: lint unit

lint: $(VENV)/installed-dev
	$(BIN)/ruff check $(call ruff_options,ruff-check) hlb_hooks
	$(BIN)/ruff check $(call ruff_options,ruff-check-tests) tests
	$(BIN)/ruff format --check $(call ruff_options,ruff) hlb_hooks tests
	$(BIN)/ruff check $(call ruff_options,ruff-check-tests) packaging
	$(BIN)/ruff format --check $(call ruff_options,ruff) packaging
	$(BIN)/mypy
	$(BIN)/mypy packaging

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

# A Python of its own for a service console of ESX 4, and the packages that bring it there.
build_python = PYTHONPATH=$(CURDIR) $(BIN)/python packaging

runtime: $(VENV)/installed
	$(build_python)/make_interpreter.py build/interpreter
	$(build_python)/lay_out_runtime.py build/interpreter build/runtime

rpm: runtime
	sh packaging/install_build_needs.sh rpm
	$(build_python)/stage.py build/runtime build/stage
	$(build_python)/make_rpm.py build/stage dist
	$(build_python)/make_archive.py build/stage dist

# Builds them and tests what was built.
packages: rpm $(VENV)/installed-dev
	sh tests/install_debian_packages.sh
	sh packaging/install_build_needs.sh $$(cat tests/packaging/debian-packages)
	$(BIN)/python -m pytest tests/packaging

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
