# The whole set-up is here: python3 (3.11 or newer) with pip, make, and the package registries are enough.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/ready
INSPECT_READY := .venv/loaders/ready
PROMPTFOO_READY := .venv/loaders/node_modules/ready
LOADERS := $(INSPECT_READY) $(PROMPTFOO_READY)
# promptfoo runs on Node.js 20 from 20.20 on, and from 22.22 on
NODE_FITS := node -e '[a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a == 22 && b >= 22) || (a == 20 && b >= 20) ? 0 : 1)'

# every start of a process would compile all libraries anew, which takes longer than most of what it is started for
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test check bench soak shots migration clean

setup: $(STAMP)

# The system's Python makes the environment without ensurepip, which Debian leaves out; pip puts uv into it, uv does the rest.
$(STAMP): requirements.lock Makefile
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	@test -x $(BIN)/uv || $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check uv==0.13.8
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python uv==0.13.8 --no-deps
	@$(BIN)/python -c "import pathlib, sysconfig; pathlib.Path(sysconfig.get_path('purelib'), 'portal-here.pth').write_text('$(CURDIR)\n')"
	@printf '#!/bin/sh\nexec "$(CURDIR)/$(BIN)/python" -m portal "$$@"\n' > $(BIN)/portal && chmod +x $(BIN)/portal
	@touch $(STAMP)

# Inspect reads what we export, in an environment of its own: beside ours it would pull ours back to older libraries.
$(INSPECT_READY): tests/loaders/inspect.lock $(STAMP)
	@test -x .venv/loaders/bin/python || $(PYTHON) -m venv --without-pip .venv/loaders
	@$(BIN)/uv pip sync --quiet --python .venv/loaders/bin/python --require-hashes tests/loaders/inspect.lock
	@touch $@

# So does promptfoo, from npm. `npm ci` refuses a lock that is not what package.json says, and a package whose hash is not the lock's;
# it empties node_modules first, so that no stamp outlives an install that failed. The lock names no registry, so npm asks one where each
# package is: --prefer-offline takes what it was told before. Without it the other tests go on.
$(PROMPTFOO_READY): tests/loaders/package.json tests/loaders/package-lock.json
	@if command -v npm >/dev/null && $(NODE_FITS) 2>/dev/null; then \
		mkdir -p .venv/loaders && cp $^ .venv/loaders && \
		npm ci --prefix .venv/loaders --ignore-scripts --include=optional --prefer-offline --no-audit --no-fund --loglevel=error >/dev/null && touch $@ || \
		echo "promptfoo's loader is not tried: npm could not install it (see above)."; \
	else echo "promptfoo's loader is not tried: that needs npm and Node.js 20.20 or newer in the 20s, or 22.22 or newer."; fi

run: $(STAMP)
	@exec $(BIN)/python -m portal up --demo

test: $(STAMP) $(LOADERS)
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m pytest $(ARGS)

check: $(STAMP)
	@$(BIN)/ruff format --check --quiet . || { echo "Run: .venv/bin/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(STAMP)
	@$(BIN)/python -m tests.bench

soak: $(STAMP) $(LOADERS)
	@PORTAL_SOAK=1 $(BIN)/python -m pytest $(ARGS)

shots: $(STAMP)
	@$(BIN)/python -m tests.browser
	@rm -rf var/shots && PORTAL_SHOTS=1 $(BIN)/python -m pytest tests/test_journey.py tests/test_journey_intake.py tests/test_journey_review.py tests/test_shots.py \
		tests/test_shots_review.py tests/test_journey_evals.py tests/test_shots_evals.py tests/test_journey_classifiers.py \
		tests/test_journey_knowledge.py tests/test_shots_knowledge.py tests/test_journey_recipes.py \
		tests/test_journey_agents.py tests/test_journey_quality.py tests/test_shots_quality.py $(ARGS)
	@$(BIN)/python -m tests.shots

# make migration m="what changes": drafts the next one from the tables
migration: $(STAMP)
	@PORTAL_HOME=$$(mktemp -d) sh -c '$(BIN)/python -m data.migrate && $(BIN)/python -m data.migrate draft "$(m)"'

clean:
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache
