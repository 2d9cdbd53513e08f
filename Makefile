# Everything a person does with this checkout, and nothing that CI does differently.
#   make serve ARGS="--port 8090 --data /some/folder"
#   make test ARGS="-k search"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := schemas dicomweb dimse_bridge conformance

# Compiled modules are kept even where the environment says not to: without them each start of the
# server, and the tests start hundreds of processes, compiles all of ours anew (1.3 s, against 1.7).
export PYTHONDONTWRITEBYTECODE :=

.PHONY: serve test test-corpus check format bench bench-peers contact-sheet statement lock clean ohif

serve: $(VENV)/serve.stamp
	@$(BIN)/dicomweb serve $(ARGS)

# The published OHIF viewer, for: make serve ARGS="--ohif ohif/dist"
ohif:
	mkdir -p ohif && cd ohif && rm -rf dist package *.tgz && npm pack --silent @ohif/app
	cd ohif && tar xzf *.tgz package/dist && mv package/dist dist && rm -r package *.tgz

# Modules in the order of their files: those with few tests are our slowest, and the runner's own
# order leaves them to the end, where one waits for the other (411 and 509 s, against 565).
test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --numprocesses auto --dist loadscope --no-loadscope-reorder $(ARGS)

# Every real file through every transfer syntax, read by other decoders; half an hour.
test-corpus: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m exhaustive -s $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks $(ARGS)
	$(BIN)/python -m benchmarks.searches $(SEARCHES)

# Every real file as it is rendered, side by side, in build/contact-sheet-*.png.
contact-sheet: $(VENV)/dev.stamp
	$(BIN)/python -m tests.contact_sheet $(ARGS)

bench-peers: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.peers $(ARGS)

# The installed package is the checkout itself (-e); a stamp is older than what decides its content.
$(VENV)/serve.stamp: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/serve.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

# New versions: resolve without the old constraints, then write down what came.
lock:
	rm -rf $(VENV)/lock && $(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	$(VENV)/lock/bin/python -m pip freeze --exclude-editable > constraints.txt
	rm -rf $(VENV)/lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
