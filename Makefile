# `make` alone prints the targets. Nothing has to be there before but python3 (3.11 or later) and make.

PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
PYTEST_JOBS := -n $(JOBS) --dist loadfile
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := ewallet issuer_service verifier_cli
EXACT := ewallet/formats/*,ewallet/disclosure.py,ewallet/trust.py,ewallet/status.py,ewallet/verifier.py,ewallet/verdict.py,ewallet/shape.py

.DEFAULT_GOAL := help
.PHONY: help demo test lint types imports docs pictures bench catalogue wheel sbom wheel-test faults clean

help:  ## print this
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.venv/pip.stamp:
	@PYTHON="$(PYTHON)" sh .ci/venv .venv
	@touch $@

.venv/base.stamp: .venv/pip.stamp pyproject.toml constraints.txt
	@echo "installing what the demo needs into .venv (once)"
	@$(PIP) install -c constraints.txt -e '.[issuer,verifier,paper]'
	@touch $@

.venv/dev.stamp: .venv/base.stamp
	@echo "installing what the tests need into .venv (once)"
	@$(PIP) install -c constraints.txt -e '.[dev,issuer,verifier,paper,fast]'
	@touch $@

.venv/bench.stamp: .venv/dev.stamp
	@$(PIP) install -c constraints.txt -e '.[bench]'
	@touch $@

demo: .venv/base.stamp  ## the whole road on this machine, then its pages (ONCE=1: check and stop; LAN=1: for phones too; LANG=ko: in Korean)
	@exec $(BIN)/python -m issuer_service.demo $(if $(ONCE),--once) $(if $(LAN),--lan '$(LAN)')

test: .venv/dev.stamp  ## all tests, and the coverage they must have (JOBS=2: in so many processes)
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -m 'not slow' $(PYTEST_JOBS) $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --include='$(EXACT)' --fail-under=100
	@$(BIN)/coverage report --format=total

lint: .venv/dev.stamp  ## style, and dependencies declared but unused or used but undeclared
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@out=$$($(BIN)/deptry --no-ansi . 2>&1) || { echo "$$out"; exit 1; }
	@echo "lint: clean"

types: .venv/dev.stamp  ## mypy --strict
	@$(BIN)/mypy

imports: .venv/dev.stamp  ## the layers: dependencies point down
	@$(BIN)/lint-imports --no-cache

docs: .venv/dev.stamp  ## the pages that are made from code and data
	@for page in docs/generate_*.py; do $(BIN)/python $$page; done

pictures: .venv/dev.stamp  ## the pictures of pages and forms in docs/pictures, of pages where Chromium is
	@$(BIN)/python docs/take_pictures.py
	@$(BIN)/python docs/take_forms.py

catalogue: .venv/base.stamp  ## check every certificate kind, bundle and rule in schemas/
	@$(BIN)/python -m ewallet.catalog

bench: .venv/bench.stamp  ## the benchmarks, with their limits and peers
	@$(BIN)/python benchmarks/run.py

wheel: .venv/dev.stamp  ## build the wheel and the sdist into dist/
	@rm -rf dist
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)} \
	  $(BIN)/python -m build --no-isolation --outdir dist . >/dev/null
	@ls dist

sbom: wheel  ## list in dist/ what the wheel installs with its extras (CycloneDX), and print the licences
	@rm -rf .sbom-venv
	@$(BIN)/python -m venv --without-pip .sbom-venv
	@$(PIP) --python .sbom-venv/bin/python install -c constraints.txt \
	  "$$(ls $(CURDIR)/dist/*.whl)[issuer,verifier,paper,postgres,fast]"
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)} \
	  $(BIN)/python .ci/sbom.py .sbom-venv/bin/python 'dist/ewallet-{}.cdx.json'

wheel-test: wheel  ## all tests once more, against the built wheel and far from this folder
	@bash .ci/wheel-test $(PYTEST_JOBS) $(ARGS)

faults: .venv/dev.stamp  ## the sweeps in full, and the slow tests
	EWALLET_FULL=1 $(BIN)/pytest -m 'slow or sweep' $(ARGS)

clean:  ## remove what make has made
	rm -rf .venv .wheel-venv .sbom-venv .demo .demo-* dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
