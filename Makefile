# Set-up and the jobs: `make demo`, `make test`, `make bench`. Everything is pinned by constraints.txt.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check
NATIVE := CMakeLists.txt pyproject.toml constraints.txt $(shell find native -type f)

.PHONY: demo test check wheel bench accuracy constraints clean test-native

demo: $(VENV)/.installed ## set everything up, then the main job on real data
	$(BIN)/penchant demo

test: $(VENV)/.tested wheel ## set everything up, then the whole test suite
	$(MAKE) --no-print-directory check
	$(MAKE) --no-print-directory test-native
	sh tests/get_browser.sh
	$(BIN)/python -m pytest

test-native: $(VENV)/.installed ## the kernels alone, without Python, plain and watched by sanitizers
	sh tests/native/run.sh $(abspath $(BIN)) plain
	sh tests/native/run.sh $(abspath $(BIN)) address,undefined
	sh tests/native/run.sh $(abspath $(BIN)) thread

check: $(VENV)/.tested ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

wheel: $(VENV)/.tested ## build a wheel, install it into a clean environment, try it there
	$(BIN)/python tests/try_wheel.py

bench: $(VENV)/.tested ## measure everything against other libraries (hours), then write docs/benchmarks.md
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python benchmarks/report.py

accuracy: $(VENV)/.tested ## measure accuracy on published protocols (half an hour), then write docs/accuracy.md
	$(BIN)/python benchmarks/accuracy.py

constraints: $(VENV)/.tested ## renew constraints.txt, for every supported Python at once
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
	  --all-extras --group build --group test pyproject.toml --output-file constraints.txt

clean:
	rm -rf $(VENV) build dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'

# Build tools stand in the environment itself: nothing is fetched at build time, rebuilds are quick.
$(VENV)/.installed: $(NATIVE) | $(VENV)/bin/python
	$(PIP) install -c constraints.txt --group build
	$(PIP) install -c constraints.txt --no-build-isolation --editable '.[all]'
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(PIP) install -c constraints.txt --group test
	touch $@
