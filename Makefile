# make demo: set up in .venv and run the main job on the embedded default.
# make test: set up in .venv and pass the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two test processes of one thread each: threads of several processes on the same two cores wait for one another.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1
PACKAGES := theory numerics diagnostic paper_checks cli

.PHONY: demo test lint typecheck format docs clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[nequip]'
	@touch $@

$(VENV)/.test-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[nequip,generate,dev]'
	@touch $@ $(VENV)/.demo-ready

demo: $(VENV)/.demo-ready
	$(BIN)/ceilings diagnose --out runs/demo --resume

test: $(VENV)/.test-ready lint typecheck
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy follows plain folders, not the import hook of an editable install: give it the namespace as links.
typecheck: $(VENV)/.test-ready
	@mkdir -p $(VENV)/typed/spectral_ceilings
	@for p in $(PACKAGES); do ln -sfn ../../../$$p $(VENV)/typed/spectral_ceilings/$$p; done
	$(BIN)/mypy $(foreach p,$(PACKAGES),-p spectral_ceilings.$(p))

format: $(VENV)/.test-ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.docs-ready
	$(BIN)/mkdocs build --strict

$(VENV)/.docs-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[nequip,docs]'
	@touch $@

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
