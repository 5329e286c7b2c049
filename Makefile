# `make demo` and `make test` work from nothing: they make .venv and install what they need into it.
PYTHON ?= python3
DATASET ?= demo
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
VENV := .venv
BIN := $(VENV)/bin
CORES := $(shell getconf _NPROCESSORS_ONLN)
WORKERS := $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n > 4 ? 4 : n)))
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
FAST := not real and not slow and not readers and not browser and not thorough
READERS := .venv-readers

.PHONY: demo test test-fast test-real test-readers coverage lint torch clean

demo: $(VENV)/installed
	@$(BIN)/comus weights download --if-possible dinov2-vits14 efficientnet-lite0
	$(BIN)/comus run $(DATASET)
	@if [ -t 0 ]; then $(BIN)/comus app --run latest; else $(BIN)/comus app --run latest --detach; fi

test: $(VENV)/installed-dev lint
	$(PYTEST) -m "not real and not slow and not readers"

test-fast: $(VENV)/installed-dev lint
	$(PYTEST) -m "$(FAST)"

# On Python 3.12 and newer it costs little (COVERAGE_CORE=sysmon); on 3.11 each line is traced in C.
coverage: $(VENV)/installed-dev
	COVERAGE_CORE=$$($(BIN)/python -c "import sys; print('sysmon' if sys.version_info >= (3, 12) else 'ctrace')") \
	$(PYTEST) -m "$(FAST)" --cov --cov-report=
	@for part in comus_core app; do \
	echo "coverage of $$part: $$($(BIN)/python -m coverage report --include="$$part/*" --format=total) %"; done

test-real: $(VENV)/installed-dev
	@test -n "$(COMUS_DATA)" || { echo "set COMUS_DATA to the folder that holds VOCdevkit/, coco/ and ECSSD/"; exit 1; }
	COMUS_DATA="$(COMUS_DATA)" OMP_NUM_THREADS=$(CORES) NUMBA_NUM_THREADS=$(CORES) $(BIN)/python -m pytest -m real

test-readers: $(VENV)/installed-dev $(READERS)/installed
	$(BIN)/python -m pytest -m readers tests/readers

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

$(VENV)/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade pip
	@$(MAKE) --no-print-directory torch
	$(BIN)/python -m pip install $(PIP_ARGS) -e .
	touch $@

# PyPI's PyTorch for Linux brings about 6 GB of CUDA, which a machine without an NVIDIA card need not download.
torch:
	@if [ "$$(uname -s)" != Linux ]; then \
	  echo "PyTorch: the build of PyPI"; \
	elif nvidia-smi -L >/dev/null 2>&1; then \
	  echo "PyTorch: an NVIDIA card is here: the build of PyPI, with CUDA"; \
	elif ! timeout 10 $(BIN)/python -c "import urllib.request as u; u.urlopen('$(TORCH_CPU_INDEX)/torch/', timeout=5)" \
	    >/dev/null 2>&1; then \
	  echo "PyTorch: no NVIDIA card, but $(TORCH_CPU_INDEX) cannot be reached: the build of PyPI, with CUDA"; \
	elif $(BIN)/python -m pip install $(PIP_ARGS) --index-url $(TORCH_CPU_INDEX) \
	    $$(grep -oE '^torch(vision)?[^ ]+' requirements.txt); then \
	  echo "PyTorch: no NVIDIA card: the CPU build of $(TORCH_CPU_INDEX)"; \
	else \
	  echo "PyTorch: no NVIDIA card, but $(TORCH_CPU_INDEX) has no build for this Python: the build of PyPI, with CUDA"; \
	fi

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install $(PIP_ARGS) -e ".[dev]"
	touch $@

# The label tools' own readers, which cannot lie in one environment with this project.
$(READERS)/installed: tests/readers/requirements.txt
	$(PYTHON) -m venv $(READERS)
	@$(READERS)/bin/python -m pip install $(PIP_ARGS) -r tests/readers/requirements.txt || { \
	  echo "test-readers: the readers of tests/readers/requirements.txt (about 1.3 GB) cannot be installed."; \
	  echo "They come from PyPI: check the network, or name a mirror with PIP_ARGS='--index-url URL'."; exit 1; }
	touch $@

clean:
	rm -rf $(VENV) $(READERS) .coverage .mypy_cache .ruff_cache .pytest_cache
