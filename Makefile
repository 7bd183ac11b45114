# Tenancy. `make` lists what there is to do; everything installs what it needs.

SLUG   ?= acme
PLAN   ?= starter
REGION ?= eu-central
NAME   ?=
EMAIL  ?=
WAIT   ?= 1
RUNS   ?= 10
TENANTS ?= 300
PAGES  ?= 50
N      ?= 10
SEED   ?= 1
DECK   ?= parts
EXECUTOR ?=
YES    ?=

BIN    := .venv/bin
export PYTHONPATH := $(CURDIR)/include
export TENANCY_PLATFORM_FILE ?= $(CURDIR)/include/sandbox/platform.toml
# Empty: as the sandbox had it; the tests' sandboxes have LocalExecutor then.
export TENANCY_TEST_EXECUTOR ?= $(EXECUTOR)
BY     := $(if $(EXECUTOR),--executor '$(EXECUTOR)')
# Some shells set this; then every start compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: docs secrets settings help demo up down purge status test test-fast test-slow test-deep conformance bench bench-provisioning bench-waiting bench-console bench-pages bench-celery bench-beat bench-false-alarms bench-tenantctl chaos chaos-replay chaos-mutations lint format lock clean

help: ## Show this list
	@echo "Tenancy: tenant provisioning as a saga on Apache Airflow"; echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "  make demo SLUG=globex PLAN=business REGION=us-east WAIT=0   (variables: docs/getting-started.md)"

# PRODUCT=path/of/a/product: the sandbox's default product, with all others in the same folder.
OF_PRODUCT = $(if $(PRODUCT),TENANCY_PRODUCTS='$(abspath $(dir $(PRODUCT:%/=%)))' TENANCY_PRODUCT='$(notdir $(PRODUCT:%/=%))')

demo: $(BIN)/tenantctl ## Start the sandbox and provision a tenant before your eyes; Ctrl-C stops it all
	@$(OF_PRODUCT) $(BIN)/python -m sandbox demo --slug '$(SLUG)' --plan '$(PLAN)' --region '$(REGION)' \
		$(if $(NAME),--name '$(NAME)') $(if $(EMAIL),--email '$(EMAIL)') $(if $(filter 0,$(WAIT)),--no-wait)

up: $(BIN)/tenantctl ## Start the sandbox, or heal it (EXECUTOR=celery: two workers, two schedulers, Redis)
	@$(OF_PRODUCT) $(BIN)/python -m sandbox up $(BY)

down: .venv/.installed ## Stop the sandbox; its data stays
	@$(BIN)/python -m sandbox down

purge: .venv/.installed ## Stop the sandbox and forget all its tenants, users and logs (asks first; YES=1: does not)
	@$(BIN)/python -m sandbox down --purge $(if $(filter 1,$(YES)),--yes)

status: .venv/.installed ## Show the sandbox's parts
	@$(BIN)/python -m sandbox status

test-fast: lint $(BIN)/tenantctl ## Lint, and run the tests that start no server: three minutes on two cores
	@PYTHONHASHSEED=0 $(BIN)/python -m pytest tests/unit tests/contract -m 'not slow and not server' -n 2 --dist loadscope

# Coverage of the product's code by the tests' own processes; the sandboxes' processes do not count. It costs 2 % of the
# time (docs/adr/0046-slipcover.md). tests/coverage_figure.py prints the
# figure and writes .coverage.json.
MEASURED := $(BIN)/python -m slipcover --json --out /dev/null -m pytest

test: $(BIN)/tenantctl ## Run every test, two at a time, and print the coverage figure
	@PYTHONHASHSEED=0 $(MEASURED) -n 2 --dist loadscope --no-loadscope-reorder

test-slow: $(BIN)/tenantctl ## Run what takes many minutes: Celery with its parts killed, a restored ledger, a class of sixty
	@$(BIN)/python -m pytest -m slow

test-deep: .venv/.installed ## Walk 50,000 steps of the lifecycle
	@HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest tests/unit/test_saga_machine.py --timeout 3600

conformance: .venv/.installed ## Hold the Kubernetes API at URL=… TOKEN=… (CA=file) against the suite; without URL the sandbox's
	@CONFORMANCE_URL='$(URL)' CONFORMANCE_TOKEN='$(TOKEN)' CONFORMANCE_CA='$(CA)' $(BIN)/python -m pytest tests/conformance

bench: $(BIN)/tenantctl ## All of bench-provisioning, bench-beat, bench-console, bench-pages and bench-tenantctl: twenty minutes
	@$(BIN)/python -m bench.provisioning --runs $(RUNS) $(BY)
	@$(BIN)/python -m bench.reconciler
	@$(BIN)/python -m bench.console
	@$(BIN)/python -m bench.open_pages --pages $(PAGES)
	@$(BIN)/python -m bench.tenantctl_start

bench-beat: .venv/.installed ## Time a pass of the reconciler over 1,000, 10,000 and 100,000 tenants under way
	@$(BIN)/python -m bench.reconciler

bench-false-alarms: .venv/.installed ## Provision TENANTS=200 beside busy processors, a few at a time: one stall is a failure
	@$(BIN)/python -m bench.false_alarms --tenants $(if $(filter command line environment,$(origin TENANTS)),$(TENANTS),200)

bench-provisioning: .venv/.installed ## Time provisioning beside empty tasks, as ratios (RUNS=10)
	@$(BIN)/python -m bench.provisioning --runs $(RUNS) $(BY)

bench-waiting: .venv/.installed ## Let TENANTS=300 wait for readiness at once: memory, free slots, how soon one is cancelled
	@$(BIN)/python -m bench.waiting --tenants $(TENANTS)

bench-console: .venv/.installed ## Time the console's pages on a ledger of 100,000 tenants and 5,000,000 facts
	@$(BIN)/python -m bench.console

bench-pages: .venv/.installed ## Keep PAGES=50 open while 20 tenants provision: what that costs the api-server and tasks
	@$(BIN)/python -m bench.open_pages --pages $(PAGES)

bench-tenantctl: $(BIN)/tenantctl ## Time `tenantctl list` beside the bare request that it sends (TENANCY_URL, TENANCY_TOKEN: there)
	@$(BIN)/python -m bench.tenantctl_start

bench-celery: $(BIN)/tenantctl ## Start TENANTS=100 at once on Celery, kill a worker and then Redis in the middle, judge what is left
	@$(BIN)/python -m tests.chaos.concurrent_tenants --tenants $(if $(filter command line environment,$(origin TENANTS)),$(TENANTS),100)

secrets: ## Make the secrets of docker-compose.yaml, each once, in compose/secrets (needs Python 3.11 only)
	@$(or $(PYTHON),python3) -m installation secrets

settings: .venv/.installed ## Write compose/airflow.env anew from include/tenancy/airflow_settings.py
	@$(BIN)/python -m installation settings

chaos: $(BIN)/tenantctl ## Attack tenants at random N=10 times from SEED=1 on; stops at the first violation (docs/reliability.md)
	@$(BIN)/python -m tests.chaos --trials $(N) --seed $(SEED) --deck $(DECK) $(if $(filter 1,$(MISSING)),--missing)

chaos-replay: $(BIN)/tenantctl ## Play the trial of SEED= again
	@$(BIN)/python -m tests.chaos --trials 1 --seed $(SEED) --deck $(DECK) --results chaos-replays.jsonl

chaos-mutations: $(BIN)/tenantctl ## Take four rules out of a copy of the product: the campaign must see each within 60 trials
	@$(BIN)/python -m tests.chaos.mutation_runner

lint: .venv/.installed ## Check style, types and which floor imports which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy dags plugins  # files, not packages: mypy takes either in one run
	@$(BIN)/lint-imports

docs: .venv-docs/.installed ## Build the documentation site into .site; a broken link or anchor fails
	@.venv-docs/bin/zensical build --strict

format: .venv/.installed ## Put the code into the house's form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(if $(KEEP),,--upgrade) pyproject.toml

lock: .venv/.installed ## Resolve pyproject.toml anew into requirements*.txt (KEEP=1: no newer versions of what is there)
	@$(LOCK) --extra airflow -o requirements.txt
	@$(LOCK) --extra dev -c requirements.txt -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(if $(KEEP),,--upgrade) requirements-docs.in -o requirements-docs.txt

clean: ## Remove the venv and all caches (the sandbox's data: make purge)
	rm -rf .venv .venv-docs .site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A Python that fits and can make a venv; Debian's needs the package python3-venv for that.
FITS := import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

.venv/.installed: requirements-dev.txt
	@python=$$(for p in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		"$$p" -c '$(FITS)' 2>/dev/null && { echo "$$p"; break; }; done); \
	if [ -z "$$python" ]; then echo "Tenancy needs Python 3.11, 3.12 or 3.13 with venv" \
		"(Debian: apt install python3 python3-venv; or: make PYTHON=/path/to/python)." >&2; exit 1; fi; \
	echo "Installing into .venv with $$python (once; a minute or two)"; \
	"$$python" -m venv --clear .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv && \
	{ $(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt; } && \
	touch $@ || { echo "The installation did not succeed: is a package index reachable (pip's settings)?" >&2; exit 1; }

# The project itself, editable: then the operators' command line is in the venv's bin folder.
$(BIN)/tenantctl: .venv/.installed pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable . || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

# The site has a venv of its own, so that its packages never meet those of the product.
.venv-docs/.installed: requirements-docs.txt .venv/.installed
	@$(BIN)/python -m venv --clear .venv-docs && \
	{ $(BIN)/uv pip install --quiet --python .venv-docs/bin/python -r requirements-docs.txt || \
	  .venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt; } && touch $@
