# On a fresh machine with Python 3.11, 3.12 or 3.13:
#     make play    opens the world
#     make test    runs the tests
# The first call installs into .venv; later ones start at once and need no network.
# Variables: PYTHON=python3.12  VENV=folder  TORCH="torch <pip options>"  ARGS="key=value ..."

PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch
ARGS ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.worldsim-installed

.PHONY: play test slow lint clean

play: $(STAMP)
	$(BIN)/worldsim play $(ARGS)

test: $(STAMP)  # one thread a process: the tests already run in as many processes as it takes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 -m "not slow" $(ARGS)

slow: $(STAMP)
	$(BIN)/python -m pytest -q -m slow $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || \
	{ echo "worldsim needs Python 3.11, 3.12 or 3.13; there is no $(PYTHON): name one with make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	{ echo "worldsim needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1 | head -1): name another with make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -c constraints.txt $(TORCH)
	$(BIN)/python -m pip install -c constraints.txt -e ".[dev]"
	@touch $@
