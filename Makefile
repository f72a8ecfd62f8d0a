# make run: serve on HOST:PORT. make test: what a commit must pass. make test-all: the slow tests too. All work in .venv;
# stamp files make a second time quick.
HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml $(wildcard kernels/cpp/*)
PAGE := app/http/page/index.html

.PHONY: run test test-all wheel clean

run: .venv/.run $(PAGE)
	$(BIN)/soupstate serve --host $(HOST) --port $(PORT)

test: .venv/.test .venv/.clients $(PAGE)
	tests/check

test-all: .venv/.test .venv/.clients .venv/.webhint $(PAGE)
	tests/check --all

# A wheel of this machine in dist/.
wheel: $(BIN)/python $(PAGE)
	$(BIN)/python -m pip wheel -q --no-deps -w dist .

clean:
	rm -rf .venv build dist web/node_modules tests/clients/node_modules tests/clients/webhint/node_modules app/http/page

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

# The page at /. Its build removes what is there and writes index.html last.
$(PAGE): $(wildcard web/*.* web/src/* web/examples/*) | $(BIN)/python
	$(BIN)/python web/build.py
	touch $@

# Editable: the sources are used where they are, and the compiled part is built again when its sources change. The last
# line of each fails where it could not be compiled.
.venv/.run: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install -q -e .
	$(BIN)/python -c 'import soupstate.kernels._cpp'
	touch $@

.venv/.test: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install -q -e '.[train,votes,fetch,warc,compress,ray,datatrove,mcp,lsp,test]'
	$(BIN)/python -c 'import soupstate.kernels._cpp'
	touch $@ .venv/.run

# Programs of others that tests run, where npm is: those tests are skipped without them.
.venv/.clients: tests/clients/package-lock.json | $(BIN)/python
	if command -v npm; then npm ci --silent --ignore-scripts --prefix tests/clients; fi
	touch $@

.venv/.webhint: tests/clients/webhint/package-lock.json | $(BIN)/python
	if command -v npm; then npm ci --silent --ignore-scripts --prefix tests/clients/webhint; fi
	touch $@
