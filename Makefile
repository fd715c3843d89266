# `make help` lists the targets. Python packages are installed in .venv only.
PYTHON ?= python3
# Tools run as modules of this Python, because in a copied .venv the scripts in .venv/bin name the original folder.
PY := .venv/bin/python
INSTALL := install -q --disable-pip-version-check --require-hashes -r
DB ?= postgresql
# The least coverage in percent. SQLite does not run todo_api/postgresql.
COVERAGE := $(if $(filter sqlite,$(DB)),92,95)

# Make a .venv without pip again: python3-venv was missing, or Python has been upgraded.
$(shell [ ! -e .venv ] || $(PY) -c 'import pip' 2>/dev/null || rm -f $(PY) .venv/runtime .venv/tools .venv/mutants)

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/runtime ## make .venv and install the packages of the service

run: setup .env ## start the service at http://localhost:8000 (PORT=, HOST=, DATABASE_URL=)
	@exec $(PY) manage.py develop

test: .venv/tools ## run all tests on PostgreSQL 18 (DB=sqlite for SQLite)
	@TEST_DB=$(DB) $(PY) -m pytest --cov --cov-report=term --cov-fail-under=$(COVERAGE)

check: .venv/tools ## lint, types, import rules, migrations, deployment, manifests, docs/openapi.yaml
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(CHECKED) $(PY) -m mypy
	$(CHECKED) $(PY) -c 'from importlinter.cli import lint_imports_command as run; run()' --no-logo
	$(CHECKED) $(PY) manage.py makemigrations --check --dry-run
	$(CHECKED) $(PY) manage.py check --deploy --fail-level WARNING
	$(CHECKED) $(PY) manage.py spectacular --validate --fail-on-warn | diff docs/openapi.yaml - || \
		(echo "docs/openapi.yaml differs from the code: run 'make schema'" >&2; exit 1)
	$(PY) -m kubernetes_validate --strict $(filter-out %/kustomization.yaml,$(wildcard deploy/kubernetes/*.yaml))
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory check-client; else echo "no npm: the client is not checked"; fi

e2e: node .venv/tools examples/nextjs/node_modules/.installed clients/typescript/node_modules/.installed ## tests with a real Better Auth and browser (Node 20, Chromium)
	@command -v chromium >/dev/null || { echo "make e2e needs Chromium: apt-get install chromium" >&2; exit 1; }
	@$(PY) -m pytest e2e -m "not alone" -n2 --dist loadfile
	@$(PY) -m pytest e2e -m alone -n0

slow-clients: .venv/tools ## 1,000 slow connections of each kind: what other clients notice (SECONDS=130)
	@SLOW_CLIENTS=1000 SLOW_SECONDS=$(or $(SECONDS),130) $(PY) -m pytest e2e/test_slow_clients.py -n0 -s

rolling-restart: .venv/tools ## 10,000 requests through nginx while two instances restart in turn
	@ROLLING_REQUESTS=10000 $(PY) -m pytest e2e/test_stops.py -k rolling -n0 -s

faults: .venv/tools ## faults of the database and the service under load, with counts (E2E_SECONDS=60)
	@E2E_SECONDS=$${E2E_SECONDS:-60} $(PY) -m pytest e2e/test_faults.py e2e/test_faults_of_the_service.py \
		e2e/test_database_access.py -n0 -s -q

model: .venv/tools ## random requests, compared with a model in Python, and random tasks and texts (TIMES=100, DB=sqlite)
	@TEST_DB=$(DB) TIMES=$${TIMES:-100} $(PY) -m pytest tasks/tests/test_model.py tasks/tests/test_properties.py \
		todo_api/identity/tests/test_token_mutations.py -q -o faulthandler_timeout=0

# $(SECONDS) is expanded by make: bash has a variable of this name, which is 0 at first.
sync: .venv/tools ## parallel writers, readers of changes, keys, If-Match and deadlocks for an hour (SECONDS=3600)
	@SYNC_SECONDS=$(or $(SECONDS),3600) $(PY) -m pytest e2e/test_sync_stress.py -n0 -s -q -o faulthandler_timeout=0

mutants: .venv/mutants ## change the code that decides who may do what, and list the changes that no test notices (docs/mutants.md)
	@$(PY) -m mutants

soak: node .venv/tools examples/nextjs/node_modules/.installed ## 1,000 users and faults at random for an hour, writes docs/soak.md (SECONDS=3600; USERS=, RATE=, SEED=; Node 20, Redis)
	@command -v redis-server >/dev/null || { echo "make soak needs Redis: apt-get install redis-server" >&2; exit 1; }
	@SOAK_SECONDS=$(or $(SECONDS),3600) SOAK_USERS=$${USERS:-1000} SOAK_RATE=$${RATE:-60} SOAK_SEED=$${SEED:-1} SOAK_REPORT=docs \
		$(PY) -m pytest e2e/soak.py -n0 -s -q -o faulthandler_timeout=0

failover: cluster .venv/tools ## kill the primary of a PostgreSQL cluster under load, and count lost writes (Debian; installs Patroni)
	@PATH="$$PATH:/usr/sbin" $(PY) -m pytest e2e/failover.py -n0 -s -q

dashboard: node .venv/tools examples/nextjs/node_modules/.installed ## draw the Grafana dashboard from a Prometheus under load (Node 20)
	@command -v prometheus >/dev/null || { echo "make dashboard needs Prometheus: apt-get install prometheus" >&2; exit 1; }
	@DASHBOARD_PICTURE=docs/pictures/dashboard.svg $(PY) -m pytest e2e/dashboard.py -n0 -s -q

newcomer: node .venv/tools ## follow docs/api.md from an empty folder to a list on the screen, and print the times (Node 20, ports 3000, 8000)
	@$(PY) -m pytest e2e/newcomer.py -n0 -s -q -o faulthandler_timeout=0

fuzz: .venv/tools ## generated requests against a running service, with every check of schemathesis but one, see e2e/schemathesis.toml (CASES=500, SEED=1)
	@$(PY) -m pytest e2e/fuzz.py -n0 -s -q -o faulthandler_timeout=0

bench: .venv/tools ## load test on this machine, or of URL= with TOKEN= (needs wrk)
	@$(PY) benchmarks/load.py

demo: node setup .env examples/nextjs/node_modules/.installed ## start the service and the Next.js front end (Node 20; MODE=hs256)
	@examples/demo

client: clients/typescript/node_modules/.installed .venv/runtime ## generate the types from docs/openapi.yaml, test the client package (Node 20)
	@cd clients/typescript && npm run --silent generate && npm test --silent

client-e2e: examples/nextjs/node_modules/.installed clients/typescript/node_modules/.installed .venv/runtime ## the client package with Better Auth, and in Chromium while the network is cut (SECONDS=60)
	@cd clients/typescript && SECONDS=$(or $(SECONDS),60) npm run --silent test:e2e

format: .venv/tools ## format the code
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

schema: .venv/tools ## write docs/openapi.yaml
	$(CHECKED) $(PY) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

lock: .venv/tools ## write requirements*.txt from requirements*.in (ARGS=--upgrade for the newest versions)
	@for list in requirements examples/mcp/requirements requirements-dev requirements-mutants; do \
		$(PY) -m uv pip compile --quiet --universal --generate-hashes --python-version=3.11 $(ARGS) \
			--output-file=$$list.txt $$list.in || exit; \
	done

audit: .venv/tools ## look up known vulnerabilities of all Python packages (needs the network)
	@$(PY) -m pip_audit --strict --disable-pip --require-hashes --progress-spinner=off -r requirements-mutants.txt

sbom: .venv/tools ## write the bills of materials of the service and of the client package to sbom/ (CycloneDX)
	@rm -rf sbom && $(PY) -m venv --without-pip sbom/environment
	@$(PY) -m pip --python sbom/environment/bin/python $(INSTALL) requirements.txt
	@$(PY) -m cyclonedx_py environment --output-reproducible --output-file=sbom/service.json sbom/environment/bin/python
	@rm -r sbom/environment
	@if command -v npm >/dev/null; then cd clients/typescript && \
		npm sbom --package-lock-only --omit=dev --sbom-format=cyclonedx > ../../sbom/client.json; fi

# A production configuration for commands that only check the code; the secrets are random.
CHECKED = @env -i PATH="$$PATH" HOME="$$HOME" DOTENV_FILE=/dev/null DATABASE_URL=sqlite://:memory: ALLOWED_HOSTS=localhost \
	DJANGO_SECRET_KEY="$$(head -c 48 /dev/urandom | base64)" BETTER_AUTH_SECRET="$$(head -c 48 /dev/urandom | base64)"

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv --clear .venv

.venv/runtime: requirements.txt | .venv/bin/python
	@echo "installing the packages of $< (once) …"
	@$(PY) -m pip $(INSTALL) $<
	@touch $@

.venv/tools: requirements-dev.txt | .venv/bin/python
	@echo "installing the packages of $< (once) …"
	@$(PY) -m pip $(INSTALL) $<
	@touch $@ .venv/runtime

.venv/mutants: requirements-mutants.txt .venv/tools
	@echo "installing the packages of $< (once) …"
	@$(PY) -m pip $(INSTALL) $<
	@touch $@

.env:
	@umask 077 && $(PYTHON) -c 'import secrets; print("# made by make run: secrets for development", "DEBUG=true", \
		*(f"{name}={secrets.token_urlsafe(48)}" for name in ("DJANGO_SECRET_KEY", "BETTER_AUTH_SECRET")), sep="\n")' > $@.new
	@mv $@.new $@
	@echo "wrote .env with generated development secrets"

check-client: examples/nextjs/node_modules/.installed clients/typescript/node_modules/.installed
	@cd clients/typescript && npx --no-install openapi-typescript ../../docs/openapi.yaml 2>/dev/null | diff -q src/schema.ts - >/dev/null || \
		(echo "clients/typescript/src/schema.ts differs from docs/openapi.yaml: run 'make client'" >&2; exit 1)
	@cd clients/typescript && npm run --silent lint && npm run --silent typecheck
	@cd clients/typescript && problems=$$(npm run --silent lint-api 2>&1) || { echo "$$problems" >&2; exit 1; }
	@cd examples/nextjs && npm run --silent typecheck && node scripts/check-snippets.mjs

%/node_modules/.installed: %/package-lock.json | node
	@echo "installing the packages of $* (once) …"
	@cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

# RUNLEVEL=1: the packages start no service.
cluster:
	@for tool in patroni etcd haproxy nginx /usr/lib/postgresql/15/bin/postgres; do \
		PATH="$$PATH:/usr/sbin" command -v $$tool >/dev/null || missing=1; \
	done; [ -z "$$missing" ] || { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends patroni etcd-server haproxy nginx-light postgresql-15 >/dev/null; }

node:
	@command -v npm >/dev/null && node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null || \
		{ echo "This target needs Node 20 or newer, with npm: https://nodejs.org" >&2; exit 1; }

.PHONY: node cluster help setup run test check e2e slow-clients rolling-restart faults sync mutants failover dashboard bench demo client client-e2e check-client format schema lock audit sbom soak newcomer model fuzz
