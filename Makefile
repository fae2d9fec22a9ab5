# Everything stands in .venv and is made from requirements.lock. On a bare machine: python3 >= 3.11 with venv, and make.
# The paths are relative and Python is always called by its own path, so that any directory name will do.

PYTHON ?= python3
PY := .venv/bin/python
READY := .venv/.ready
UV_VERSION := 0.13.9
WORKERS ?= 2

# Journals of tests are thrown away: in memory their syncs cost nothing.
TEST_TMP := $(shell test -d /dev/shm -a -w /dev/shm && echo TMPDIR=/dev/shm)

# A virtual environment does not survive being moved: it is made again when its directory has another name.
MOVED := $(shell test ! -f $(READY) || test "$$(cat $(READY))" = "$$(pwd -P)" || echo moved)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check kernel faults fuzz mutation bench screens docs lock moved

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r a b; do printf '%-12s %s\n' "$$a" "$$b"; done

setup: $(READY) ## make .venv from requirements.lock

demo: $(READY) ## take payments on a simulated counter
	$(PY) -c 'import sys; from cvconnect_pos.cli.main import main; sys.exit(main())' demo

test: $(READY) ## run all tests, then say what was skipped and why
	$(TEST_TMP) $(PY) -m pytest -n $(WORKERS) tests

check: $(READY) ## format, types, contracts, generated files, lock, wheel, documentation
	$(PY) tools/check.py

K ?=

kernel: $(READY) ## boot a kernel with simulated USB scanners and run tests/kernel in it, or a part of them: K='-k serial'
	@PYTHONPATH=tests $(PY) -m kernel.lab.boot $(K)

N ?= 10000
HTTP ?=
MORE ?=
REPLAY ?=

faults: $(READY) ## play N random schedules of faults, kills and races against the provider's ledger, or REPLAY='...'
ifneq ($(MORE),)
	CVCONNECT_MORE_SCHEDULES=$(MORE) $(PY) -m pytest -n $(WORKERS) tests/faults/test_explore.py tests/unit/test_stateful_*.py
endif
	@$(TEST_TMP) PYTHONPATH=tests $(PY) -m faults.campaign $(N) --jobs $(WORKERS) $(if $(HTTP),--http $(HTTP)) $(if $(REPLAY),--replay '$(REPLAY)')

fuzz: $(READY) ## feed each pure decoder with N inputs that no device should send (a million), or REPLAY='--target NAME --replay HEX'
	$(PY) tools/fuzz.py $(if $(REPLAY),$(REPLAY),--n $(if $(filter file,$(origin N)),1000000,$(N)) --jobs $(WORKERS))

MINUTES ?= 10

mutation: $(READY) ## change one thing in the source at a time, for MINUTES, and see whether a test notices
	$(PY) tools/mutate.py --minutes $(MINUTES) --workers $(WORKERS)

bench: $(READY) ## measure
	$(PY) benchmarks/run.py

screens: $(READY) ## draw every customer screen in every state into out/screens, and the pictures of the documentation
	PYTHONPATH=tests $(PY) tools/make_screens.py

docs: $(READY) ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --site-dir site

lock: $(READY) ## lock the dependencies anew after a change of pyproject.toml
	.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --group dev pyproject.toml -o requirements.lock --no-header --no-annotate

$(READY): requirements.lock pyproject.toml $(MOVED)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "$(PYTHON) is missing or older than 3.11. Install Python 3.11 or later, or name it: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "$(PYTHON) has no venv. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making .venv from requirements.lock"
	@test -z "$(MOVED)" || rm -rf .venv
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@$(PY) -m uv pip install -q --python $(PY) --require-hashes -r requirements.lock
	@$(PY) -m uv pip install -q --python $(PY) --no-deps --build-constraints requirements.lock -e .
	@pwd -P > $(READY)
