# make demo   create .venv, install, take real card transactions to a judged fraud model
# make test   the whole test suite
# make stress   what takes minutes to hours: many more drawn examples, rounds and kill points, big files
# make bench   how long it takes, beside its peers
# make conformance   beside the real Kedro, Hydra and OmegaConf, which get environments of their own
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo/fraud
LAWS := tests/runs tests/plan tests/store tests/ledger tests/digest tests/versions
PEERS := tests/conformance/.envs

.PHONY: demo test conformance peers check docs bench stress clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fraud]'
	@touch $@

$(VENV)/.developed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $(VENV)/.installed $@

demo: $(VENV)/.installed
	@test -e $(DEMO) || $(BIN)/tane new fraud $(DEMO) --starter fraud
	@cd $(DEMO) && ../../$(BIN)/tane run
	@cd $(DEMO) && { test docs/pipeline.html -nt tane.lock || ../../$(BIN)/tane graph -o docs/pipeline.html; }
	@echo
	@echo "figures:      $(DEMO)/data/08_reporting/"
	@echo "the graph:    $(DEMO)/docs/pipeline.html"
	@echo "now try:      source $(BIN)/activate && cd $(DEMO)"
	@echo "              tane run model.kind=gradient_boosting    another model: only what depends on it runs"
	@echo "              tane plan                                what would run, and why"
	@echo "              tane runs                                what has run, with its metrics"
	@echo "              tane run inference                       score new transactions with the kept model"

test: $(VENV)/.developed
	$(BIN)/python -m pytest -n 2 --dist loadscope

$(PEERS)/%/.installed: tests/conformance/requirements-%.txt | $(VENV)/.developed
	rm -rf $(@D)
	$(BIN)/python -m venv --without-pip $(@D)
	$(BIN)/python -m pip --python $(@D)/bin/python install --quiet --disable-pip-version-check --no-deps --only-binary=:all: -r $<
	@touch $@

peers: $(PEERS)/kedro/.installed $(PEERS)/hydra/.installed

conformance: $(VENV)/.developed peers
	$(BIN)/python -m pytest tests/conformance -n 2 --dist load

check: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.developed
	$(BIN)/python -m pytest tests/docs

bench: $(VENV)/.developed
	$(BIN)/python bench/run.py

# TANE_STRESS is how many times as hard as `make test` the laws try
stress: export TANE_STRESS ?= 20
stress: $(VENV)/.developed
	$(BIN)/python -m pytest -n 2 --dist loadscope -m stress
	$(BIN)/python -m pytest -n 2 --dist loadscope $(LAWS)

clean:
	rm -rf $(VENV) $(PEERS) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests examples bench -name __pycache__ -type d -prune -exec rm -rf {} +
