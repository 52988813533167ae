# Commands for people. `make` lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
CODE := manage.py maia_dashboard celery_worker apps deploy tests

.DEFAULT_GOAL := help
.PHONY: help run viewer run-deployed test format check unit browser peers build-peers test-peers fuzz bench lock screenshots clean

help:  ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

run: $(VENV)/.run  ## Start the portal on this machine (PORT=8000)
	@exec $(BIN)/python manage.py up

viewer: $(VENV)/.run  ## Fetch OHIF, which shows images in 3D, once (needs npm)
	@$(BIN)/python -m apps.viewer.fetching ohif

test: $(VENV)/.dev check unit browser  ## All checks and tests that need only Python (and Chromium)

format: $(VENV)/.dev  ## Put the code into its form
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

# The type checker and the migrations check load the settings, which refuse to load without a secret.
check: export SECRET_KEY := for-checks-only
check: export VAR_DIR := $(CURDIR)/build/check
check: $(VENV)/.dev  ## Form, lint, types, import rules, migrations, pins
	@$(BIN)/python -c "from maia_dashboard import first_start; first_start.prepare()"
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy manage.py maia_dashboard celery_worker apps tests
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/pip check
	@! grep -vxFf requirements-dev.txt requirements.txt || { echo "requirements-dev.txt lacks these pins of requirements.txt: make lock" >&2; exit 1; }

unit: $(VENV)/.dev  ## Tests without a browser
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not browser"

browser: $(VENV)/.dev  ## Tests in headless Chromium
	@for name in chromium chromium-browser google-chrome; do \
		command -v $$name >/dev/null && exec $(BIN)/python -m pytest -q -m browser; \
	done; echo "Browser tests left out: Chromium is not installed (on Debian, apt-get install chromium)"

run-deployed: $(VENV)/.dev  ## Start the portal on the real servers, as it is deployed, until Ctrl-C
	@exec $(BIN)/python -m tests.peers.deployed

build-peers: $(VENV)/.dev  ## Build and fetch what the real servers are made of, once
	$(BIN)/python -m tests.peers.building

peers: $(VENV)/.dev  ## Start the real servers for a person until Ctrl-C (SERVERS="redis mail" starts only these)
	@exec $(BIN)/python -m tests.peers $(SERVERS)

test-peers: $(VENV)/.dev  ## Tests on the real servers (needs the packages of tests/peers/*/packages.txt, and root)
	$(BIN)/python -m tests.peers.everything

fuzz: $(VENV)/.dev  ## Attack the DICOMweb doors at random, each for so long (SECONDS=60)
	$(BIN)/python -m tests.archives.fuzzing $(SECONDS)

bench: $(VENV)/.dev  ## Print the figures
	$(BIN)/python -m tests.bench

screenshots: $(VENV)/.dev  ## Take pictures of every page into build/screenshots, and README's
	$(BIN)/python -m tests.browser.screenshots

lock: $(VENV)/.dev  ## Resolve the requirements anew
	$(BIN)/uv pip compile -q --upgrade --no-header --no-annotate --python-version 3.11 requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --upgrade --no-header --no-annotate --python-version 3.11 -c requirements.txt requirements-dev.in -o requirements-dev.txt

clean:  ## Remove what was built (not what the portal keeps in var/)
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install python3.11, or name yours: make run PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Python 3.11 is needed and $(PYTHON) is another: name it, make run PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -w . || { echo "The folder $(CURDIR) cannot be written: make it writable, or clone into one of your own" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python's venv module is needed: on Debian, apt-get install python3.11-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "The folder $(VENV) could not be made, see above: is the disk full?" >&2; exit 1; }

$(VENV)/.run: requirements.txt | $(VENV)/bin/pip
	@echo "Installing the pinned packages into $(VENV), once"
	@$(BIN)/pip install -q --disable-pip-version-check --require-virtualenv -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(VENV)/bin/pip
	@echo "Installing the pinned packages for tests into $(VENV), once"
	@$(BIN)/pip install -q --disable-pip-version-check --require-virtualenv -r requirements-dev.txt
	@touch $@ $(VENV)/.run
