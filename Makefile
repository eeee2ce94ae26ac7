# make demo    train a small network on the handwritten digits that come with tricord
# make test    every check and test, as CI runs them
#
# Both make a virtual environment in VENV first and leave the system's Python alone.
#   PYTHON=python3.12         the interpreter to make it from (3.11 or newer)
#   VENV=/tmp/venv            where it is
#   EXTRAS=dev,peers          what `make test` installs
#   PYTEST_ARGS="-k shapes"   passed on to pytest

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= dev
PYTEST_ARGS ?=

comma := ,
created := $(VENV)/.created
# One stamp per set of extras; a changed pyproject.toml installs again.
ready_base := $(VENV)/.ready
ready_test := $(VENV)/.ready-$(subst $(comma),-,$(EXTRAS))
install := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check clean
.DELETE_ON_ERROR:

demo: $(ready_base)
	$(VENV)/bin/tricord demo

test: check
	VENV=$(VENV) scripts/test $(PYTEST_ARGS)

check: $(ready_test)
	VENV=$(VENV) scripts/check

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(created):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "tricord needs Python 3.11 or newer, and '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)" >&2; \
	  echo "Name another one, for example: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(ready_base): pyproject.toml | $(created)
	@echo "Installing tricord and what it needs into $(VENV); half a minute or so."
	$(install) --editable '.[plot]'
	@touch $@

$(ready_test): pyproject.toml | $(created)
	@echo "Installing tricord with [$(EXTRAS)] into $(VENV); half a minute or so."
	$(install) --editable '.[$(EXTRAS)]'
	@touch $@ $(ready_base)
