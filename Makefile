# `make demo` and `make test` work from nothing: they make .venv and install what they need into it.
PYTHON ?= python3
DATASET ?= demo
VENV := .venv
BIN := $(VENV)/bin
CORES := $(shell getconf _NPROCESSORS_ONLN)

WORKERS := $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n > 4 ? 4 : n)))
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

.PHONY: demo test test-fast test-real lint clean

demo: $(VENV)/installed
	@$(BIN)/comus weights download --if-possible dino-vits16 u2netp efficientnet-lite0
	$(BIN)/comus run $(DATASET)
	@if [ -t 0 ]; then $(BIN)/comus app --run latest; else $(BIN)/comus app --run latest --detach; fi

test: $(VENV)/installed-dev lint
	$(PYTEST) -m "not real and not slow"

test-fast: $(VENV)/installed-dev lint
	$(PYTEST) -m "not real and not slow and not browser"

test-real: $(VENV)/installed-dev
	@test -n "$(COMUS_DATA)" || { echo "set COMUS_DATA to the folder that holds VOCdevkit/, coco/ and ECSSD/"; exit 1; }
	COMUS_DATA="$(COMUS_DATA)" OMP_NUM_THREADS=$(CORES) NUMBA_NUM_THREADS=$(CORES) $(BIN)/python -m pytest -m real

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

$(VENV)/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade pip
	$(BIN)/python -m pip install $(PIP_ARGS) -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install $(PIP_ARGS) -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
