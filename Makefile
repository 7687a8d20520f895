# make help lists the targets. Every target that runs something sets up first, which takes no time when nothing is missing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
RESULTS := results
PYTEST_ARGS :=
# Tests at a time: one for every core, for the memory (an everyday test takes up to 2 GB, a slow one up to 10), and no more than eight.
at_a_time = $(shell cores=$$(env -u OMP_NUM_THREADS nproc 2>/dev/null || echo 1); memory=$$(awk '/^MemTotal/{print int($$2/1e6)}' /proc/meminfo 2>/dev/null || echo 8); \
  fit=$$((memory/$(1))); n=$$((cores < fit ? cores : fit)); n=$$((n < 8 ? n : 8)); echo $$((n > 1 ? n : 1)))
WORKERS := $(call at_a_time,2)
SLOW_WORKERS := $(call at_a_time,10)
BENCH_ARGS :=
VALIDATE_ARGS :=
MPI_TIME_LIMIT := 900
# The launcher of the MPI that .venv computes with, known once the set-up has run.
MPIEXEC = $$($(BIN)/python -c "from fokker_planck.output.parallel import launcher; print(launcher() or 'mpiexec')")

# Debian's petsc4py would follow PETSC_DIR to another PETSc, if there is one. Elsewhere petsc4py may need it.
ifneq ($(wildcard /usr/lib/petscdir),)
unexport PETSC_DIR PETSC_ARCH SLEPC_DIR
endif
# Bytecode is kept whatever the environment says: else every process that a test starts compiles the package, half a second each.
unexport PYTHONDONTWRITEBYTECODE
# One thread a process; Open MPI 5 and 6: root may, more processes than cores may, and no network between processes of one machine.
export OMP_NUM_THREADS := 1
export OMPI_ALLOW_RUN_AS_ROOT := 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM := 1
export OMPI_MCA_rmaps_base_oversubscribe := 1
export PRTE_MCA_rmaps_default_mapping_policy := :oversubscribe
export OMPI_MCA_btl := ^tcp
export OMPI_MCA_pml := ob1
export MPLBACKEND := Agg

.PHONY: help setup demo test test-slow lint validate docs campaign fuzz bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing: finite elements, and .venv for the rest
	@tools/setup.sh

demo: setup ## solve the two-dimensional double well and print the answers
	$(BIN)/fokker-planck solve examples/double_well_2d.toml -o $(RESULTS)/double_well_2d

test: setup ## run the everyday tests: those marked mpi on two processes, all of them beside each other (PYTEST_ARGS are passed on)
	@status=0; \
	echo "== tests marked mpi, on two processes"; \
	timeout $(MPI_TIME_LIMIT) $(MPIEXEC) -n 2 $(BIN)/python -m pytest -q --color=no -p no:cacheprovider -m "mpi and not slow" tests || status=$$?; \
	echo "== all tests but the slow ones, and doctests"; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow" $(PYTEST_ARGS) || { code=$$?; [ $$status != 0 ] || status=$$code; }; \
	exit $$status

test-slow: setup ## run the tests that take long
	timeout $(MPI_TIME_LIMIT) $(MPIEXEC) -n 2 $(BIN)/python -m pytest -q --color=no -p no:cacheprovider -m "mpi and slow" tests
	$(BIN)/python -m pytest -n $(SLOW_WORKERS) --dist loadgroup -m slow --durations=20 $(PYTEST_ARGS)

lint: setup ## ruff, mypy, and the layers of the package
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

validate: setup ## hold the solver to what theory claims, with a report (VALIDATE_ARGS=--quick for a part of it)
	$(BIN)/python -m validation $(VALIDATE_ARGS)

docs: setup ## build the pages in results/docs and run the notebooks; a warning is an error
	$(BIN)/python -c "import furo, ipykernel, myst_nb, numpydoc, sphinx_copybutton" 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs $(RESULTS)/docs

N := 200
SEED := 1
campaign: setup ## N random problems of campaign SEED against quadrature and against identities: every bar must hold
	$(BIN)/python -m validation.campaign --count $(N) --seed $(SEED) --jobs 2

MINUTES := 10
fuzz: setup ## MINUTES of nonsense of SEED: nothing but the library's own errors, and soon
	$(BIN)/python -m validation.fuzz --minutes $(MINUTES) --seed $(SEED)

bench: setup ## measure time and memory, beside other programs (BENCH_ARGS=--quick for a part of it)
	$(BIN)/python -m benchmarks.install_rivals
	status=0; $(BIN)/python benchmarks/whole_process.py || status=$$?; \
	$(BIN)/python -m benchmarks.compare $(BENCH_ARGS) || status=$$?; exit $$status

clean: ## remove what was made here: .venv, results, caches
	rm -rf .venv .venv.lock $(RESULTS) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
