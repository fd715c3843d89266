# `make help` lists the targets. Everything lives in .venv; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin
DB ?= postgresql


.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/runtime ## make .venv and install what the service runs on

run: setup .env ## start the service on port 8000 (PORT=, DATABASE_URL=)
	@exec $(BIN)/python manage.py develop

test: .venv/tools ## run all tests on PostgreSQL 18 (DB=sqlite for SQLite)
	@TEST_DB=$(DB) $(BIN)/pytest --cov --cov-report=term

check: .venv/tools ## lint, types, import directions, migrations, deployment, OpenAPI drift
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(CHECKED) $(BIN)/mypy
	$(CHECKED) $(BIN)/lint-imports --no-logo
	$(CHECKED) $(BIN)/python manage.py makemigrations --check --dry-run
	$(CHECKED) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(CHECKED) $(BIN)/python manage.py spectacular --validate --fail-on-warn | diff docs/openapi.yaml - || \
		(echo "docs/openapi.yaml differs from the code: run 'make schema'" >&2; exit 1)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory check-client; else echo "no npm: the client is not checked"; fi

e2e: .venv/tools examples/nextjs/node_modules/.installed ## real Better Auth, a real browser (Node 20, Chromium)
	@command -v chromium >/dev/null || { echo "make e2e needs Chromium: apt-get install chromium" >&2; exit 1; }
	@$(BIN)/pytest e2e -n0

bench: .venv/tools ## load for this machine, or for URL= with TOKEN= (needs wrk)
	@$(BIN)/python benchmarks/load.py

demo: setup .env examples/nextjs/node_modules/.installed ## the service and the Next.js front end together (MODE=hs256)
	@examples/demo

client: examples/nextjs/node_modules/.installed ## generate the front end's types from docs/openapi.yaml
	@cd examples/nextjs && npm run --silent generate

format: .venv/tools ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

schema: .venv/tools ## write docs/openapi.yaml
	$(CHECKED) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

# A production configuration for commands that look at the code alone; the secrets are made up for the moment.
CHECKED = @env -i PATH="$$PATH" HOME="$$HOME" DOTENV_FILE=/dev/null DATABASE_URL=sqlite://:memory: ALLOWED_HOSTS=localhost \
	DJANGO_SECRET_KEY="$$(head -c 48 /dev/urandom | base64)" BETTER_AUTH_SECRET="$$(head -c 48 /dev/urandom | base64)"

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv .venv

.venv/runtime: requirements.txt | .venv/bin/python
	@echo "installing the packages of $< (once) …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@

.venv/tools: requirements-dev.txt requirements.txt | .venv/bin/python
	@echo "installing the packages of $< (once) …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@ .venv/runtime

.env:
	@umask 077 && $(PYTHON) -c 'import secrets; print("# made by make run: secrets for development", "DEBUG=true", \
		*(f"{name}={secrets.token_urlsafe(48)}" for name in ("DJANGO_SECRET_KEY", "BETTER_AUTH_SECRET")), sep="\n")' > $@.new
	@mv $@.new $@
	@echo "wrote .env with generated development secrets"

check-client: examples/nextjs/node_modules/.installed
	@cd examples/nextjs && npx --no-install openapi-typescript ../../docs/openapi.yaml 2>/dev/null | diff -q lib/api-types.ts - >/dev/null || \
		(echo "examples/nextjs/lib/api-types.ts differs from docs/openapi.yaml: run 'make client'" >&2; exit 1)
	@cd examples/nextjs && npm run --silent typecheck

examples/nextjs/node_modules/.installed: examples/nextjs/package-lock.json
	@echo "installing the packages of examples/nextjs (once) …"
	@cd examples/nextjs && npm ci --silent --no-audit --no-fund
	@touch $@

.PHONY: help setup run test check e2e bench demo client check-client format schema
