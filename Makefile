# intentflow: `make run` for the example; `make test` for lint, types, documentation and all tests but
# the slow ones and those of complete data sets, which CI runs, too (`make slow`, `make shared`).
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= runs/example
LOCK := requirements.lock
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint $(LOCK)
# Files with tests of a kind: pytest need not import the others to find out that they have none.
FILES = $$(git grep -lE "$(1)" -- "tests/*test_*.py" "components/*test_*.py")
# The opposite: options that leave out the files whose tests are all of a kind.
WITHOUT = $$(git grep -lE "^pytestmark = .*mark\.($(1))" -- "tests/*test_*.py" "components/*test_*.py" | sed "s/^/--ignore=/")
# A dependency group of pyproject.toml.
GROUP = $(BIN)/python -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"][sys.argv[1]])'

.PHONY: help check-tools install run test lint types layers docs fast real slow shared parts lock compile readmes drawing wheel sbom audit images clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check-tools:
	@command -v git >/dev/null || { echo "make: git is needed: apt-get install git" >&2; exit 2; }
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is needed: apt-get install python3 python3-venv" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || { echo "make: Python 3.11 or 3.12 is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1): make PYTHON=python3.11 …" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: Python's venv is needed: apt-get install python3-venv" >&2; exit 2; }

# torch first and alone, so that pip takes its CPU build where the settings offer one; the bundled
# models' packages without the shell and the library that they ask for.
$(VENV)/.run-installed: pyproject.toml $(LOCK) | check-tools
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing torch (about 190 MB)" >&2
	@$(PIP) $$($(GROUP) torch)
	@echo "installing what the main job needs (about 430 MB)" >&2
	@$(PIP) --no-deps $$($(GROUP) bundled)
	@$(PIP) --editable '.[kfp,train,deploy,serve]'
	@touch $@

$(VENV)/.test-installed: pyproject.toml $(VENV)/.run-installed
	@echo "installing what the tests need" >&2
	@$(PIP) --editable '.[all,dev]'
	@touch $@

install: $(VENV)/.run-installed ## make the environment

run: $(VENV)/.run-installed ## run the complete graph on the bundled example
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/intentflow run --output $(OUT)

test: lint types layers docs fast real ## lint, types, layers, documentation, fast tests, real parts

lint: $(VENV)/.test-installed ## ruff: lint and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Benchmarks import one another as scripts do, from their own folder.
types: $(VENV)/.test-installed ## mypy, strict
	$(BIN)/mypy
	MYPYPATH=benchmarks $(BIN)/mypy --explicit-package-bases --exclude soak_clients benchmarks scripts/*.py

layers: $(VENV)/.test-installed ## which package may import which
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/.test-installed ## build the documentation into build/site; run its commands
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 tests/docs -m "not slow"

fast: $(VENV)/.test-installed ## tests that need no server
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder --ignore tests/docs $(call WITHOUT,real|slow|gpu|shared) -m "not real and not slow and not gpu and not shared"

parts: $(VENV)/.test-installed ## install the servers that tests start
	scripts/test-parts

real: $(VENV)/.test-installed parts ## tests against real servers and a browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "real and not slow and not gpu and not shared" $(call FILES,mark\.real)

slow: $(VENV)/.test-installed ## minutes long: the bundled model, complete graphs
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "slow and not gpu and not shared" $(call FILES,mark\.slow)

shared: $(VENV)/.test-installed ## tests on complete sets and original CRDs: INTENTFLOW_SHARED=FOLDER
	@test -n "$(INTENTFLOW_SHARED)" || { echo "make: name the folder that has them: make shared INTENTFLOW_SHARED=FOLDER" >&2; exit 2; }
	INTENTFLOW_SHARED="$(INTENTFLOW_SHARED)" OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "shared and not gpu" $(call FILES,mark\.shared|public_sets)

lock: $(VENV)/.test-installed ## pin again what pyproject.toml asks for (scripts/lock --upgrade: newer)
	scripts/lock

compile: $(VENV)/.run-installed ## compile the graphs that are checked in
	$(BIN)/intentflow compile finetune -o pipelines/finetune/finetune.yaml
	$(BIN)/intentflow compile retrain -o pipelines/retrain/retrain.yaml

readmes: $(VENV)/.test-installed ## write the components' README.md
	$(BIN)/python scripts/component_readmes.py

drawing: $(VENV)/.test-installed ## draw which package imports which (documentation)
	$(BIN)/python scripts/structure.py

wheel: $(VENV)/.test-installed ## build the source distribution and the wheel into dist/
	$(BIN)/python -m build --quiet

sbom: $(VENV)/.test-installed ## list what is installed, with licenses: build/sbom.json (CycloneDX)
	scripts/sbom $(BIN)/python build/sbom.json

audit: $(VENV)/.test-installed ## compare the pins with known vulnerabilities
	$(BIN)/python scripts/audit.py

images: ## build the images with the labels of this commit: REGISTRY=PREFIX TAG=TAG
	REGISTRY="$(REGISTRY)" TAG="$(TAG)" PYTHON="$(PYTHON)" scripts/images

clean: ## remove the environment and caches of the tools
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info build dist
