# make demo: set up in .venv and run the main job on the embedded default.
# make test: set up in .venv and pass the tests; then those of MACE in .venv-mace, because mace-torch needs e3nn 0.4.4 and
# nequip needs e3nn 0.6.
# make test-models: the tests of models that take gigabytes, each in an environment of its own: fairchem in .venv-fairchem.
# make proof: check the theorems in theory/formal by Coq and list their axioms; needs no Python.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MACE_VENV := .venv-mace
MACE_BIN := $(MACE_VENV)/bin
FAIRCHEM_VENV := .venv-fairchem
FAIRCHEM_BIN := $(FAIRCHEM_VENV)/bin
# Two test processes of one thread each: threads of several processes on the same two cores wait for one another.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1
PACKAGES := theory numerics diagnostic paper_checks sweeps cli

# What runs in the second environment: the MACE adapter, and what uses e3nn, with e3nn 0.4.4.
MACE_TESTS := $(wildcard tests/diagnostic/*/test_mace_*.py) tests/diagnostic/auditing/test_audit_mace.py \
  tests/diagnostic/implementations/test_completeness.py \
  tests/theory/test_input_side.py tests/diagnostic/readouts/test_equivariant_polynomials.py \
  tests/diagnostic/readouts/test_readouts.py tests/diagnostic/injection/test_splits_and_orientations.py tests/numerics/test_wigner.py \
  tests/numerics/test_rotations.py tests/numerics/test_harmonics.py

FAIRCHEM_TESTS := $(wildcard tests/diagnostic/*/test_fairchem_*.py)

.PHONY: demo proof test test-mace test-models test-fairchem lint typecheck format docs clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[nequip]'
	@touch $@

$(VENV)/.test-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  -e '.[nequip,allegro,sevennet,metatomic,advise,hdf5,chemiscope,generate,observe,dev]'
	@touch $@ $(VENV)/.demo-ready

demo: $(VENV)/.demo-ready
	$(BIN)/ceilings diagnose --out runs/demo --resume

test: $(VENV)/.test-ready lint typecheck
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist loadfile
	$(MAKE) test-mace

proof:
	@bash theory/formal/check.sh

$(MACE_BIN)/python:
	$(PYTHON) -m venv $(MACE_VENV)

$(MACE_VENV)/.test-ready: pyproject.toml constraints-mace.txt | $(MACE_BIN)/python
	$(MACE_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-mace.txt -e '.[mace,advise]' \
	  pytest pytest-xdist hypothesis jsonschema
	@touch $@

# Without the cache of failed tests, which belongs to .venv.
test-mace: $(MACE_VENV)/.test-ready
	$(ONE_THREAD) SPECTRAL_CEILINGS_REQUIRE_MACE=1 $(MACE_BIN)/python -m pytest -p no:cacheprovider -n 2 --dist loadfile \
	  $(MACE_TESTS)

test-models: test-fairchem

$(FAIRCHEM_BIN)/python:
	$(PYTHON) -m venv $(FAIRCHEM_VENV)

$(FAIRCHEM_VENV)/.test-ready: pyproject.toml constraints-fairchem.txt | $(FAIRCHEM_BIN)/python
	$(FAIRCHEM_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-fairchem.txt -e '.[fairchem]' \
	  pytest pytest-xdist hypothesis
	@touch $@

test-fairchem: $(FAIRCHEM_VENV)/.test-ready
	$(ONE_THREAD) SPECTRAL_CEILINGS_REQUIRE_FAIRCHEM=1 $(FAIRCHEM_BIN)/python -m pytest -p no:cacheprovider -n 2 \
	  --dist loadfile $(FAIRCHEM_TESTS)

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
