# Each target sets up what it needs, and only what is out of date.

PYTHON ?= python3
VENV   := .venv
PY     ?= $(VENV)/bin/python
JOBS   ?= 2
PORT   ?= 8000

# Two notebooks run side by side, so each keeps to one thread.
export OMP_NUM_THREADS ?= 1
# No progress bars in pages and logs, and nobody's points are touched.
export NF_COURSE_PROGRESS ?= off
export NF_COURSE_PROGRESS_FILE ?= off
export JUPYTER_PREFER_ENV_PATH = 1
export PYTHONUTF8 = 1
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

ifeq ($(PY),$(VENV)/bin/python)
ENV := $(VENV)/.stamp
endif
INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check --retries 10 -r requirements.txt
VENDOR := book/_static/vendor/.stamp
NEWEST := _build/newest/bin/python
BOOK   := _build/html/.stamp
SOURCES := _config.yml _toc.yml $(shell find book solutions nf_course -type f \
	-not -path '*/vendor/*' -not -path '*/__pycache__/*' -not -path '*/.*')

.PHONY: help book test test-gpu attacks lint serve zip pdf exercises handout colab wheel newest release clean
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

book: $(BOOK) ## run every notebook and render the book to _build/html
	@echo "The book: _build/html/index.html (make serve shows it on port $(PORT))"

test: lint $(BOOK) ## lint, then one pytest run: package, doctests, grading, the book in a browser, every notebook
	$(PY) -m pytest -n $(JOBS) --dist loadfile --durations 20

test-gpu: $(ENV) ## the package's tests and every notebook on CUDA; fails where there is none
	@$(PY) tools/require_cuda.py
	NF_COURSE_DEVICE=cuda $(PY) -m pytest -n $(JOBS) --dist loadfile tests/package book solutions exercises

attacks: $(ENV) ## every attack on the grader of a class, and every answer of the tables: ten minutes
	NF_COURSE_ATTACKS=all $(PY) -m pytest -q tests/grading/test_class_attacks.py tests/grading/test_class_answers.py

lint: $(ENV) ## ruff, clean notebooks, exercises in step with solutions, no large file: seconds
	$(PY) -m ruff check --quiet --output-format concise
	$(PY) -m ruff format --check --quiet
	$(PY) tools/notebooks.py check
	$(PY) tools/tracked_files.py

exercises: $(ENV) ## write exercises/ again from solutions/
	$(PY) tools/notebooks.py exercises

zip: $(BOOK) ## the book as a zip that opens without a server: _build/normalizing-flows.zip
	$(PY) tools/offline.py

pdf: $(BOOK) ## the book as one PDF: _build/normalizing-flows.pdf (needs Chromium)
	$(PY) tools/pdf.py

handout: $(ENV) ## exercises and chapters that install the course where it is missing, as _build/handout.zip
	rm -rf _build/handout _build/handout.zip
	$(PY) tools/handout.py write _build/handout

colab: $(ENV) ## the same in book/ and exercises/, to commit, for Open in Colab (without NF_COURSE_REPOSITORY: out again)
	$(PY) tools/handout.py here

wheel: $(ENV) ## the package as a wheel, in dist/
	rm -rf dist build
	$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	rm -rf build

newest: ## package, grader and notebooks with the newest versions of everything, in _build/newest
	$(PYTHON) -m venv --clear _build/newest
	$(NEWEST) -m pip install --quiet --disable-pip-version-check -e '.[test]'
	$(NEWEST) -m pip freeze --exclude-editable > _build/newest/versions.txt
	PATH="$(CURDIR)/_build/newest/bin:$(PATH)" $(NEWEST) -m pytest -n $(JOBS) --dist loadfile \
		tests/package tests/grading book solutions exercises

release: $(ENV) ## for TAG=v0.2.0, FILES=address: wheel, handout, zip and PDF in dist/, tested, and the changelog's notes
	mkdir -p _build
	$(PY) tools/release.py notes "$$TAG" > _build/notes.md
	$(MAKE) wheel
	NF_COURSE_INSTALL="$$FILES/$$(basename dist/*.whl)" $(MAKE) handout
	cp _build/handout.zip "dist/nf_course-notebooks-$$TAG.zip"
	$(MAKE) zip pdf
	cp _build/normalizing-flows.zip "dist/normalizing-flows-$$TAG.zip"
	cp _build/normalizing-flows.pdf "dist/normalizing-flows-$$TAG.pdf"
	$(PY) -m pytest -q tests/package/test_wheel.py tests/book/test_handout.py tests/book/test_take_away.py

serve: $(BOOK) ## show the book at http://localhost:8000 (PORT=... for another)
	$(PY) -m http.server --bind localhost --directory _build/html $(PORT)

clean: ## remove what was built; .venv stays
	rm -rf _build dist build book/_static/vendor tests/vendor .pytest_cache .ruff_cache .hypothesis *.egg-info
	find book solutions exercises nf_course tests tools -name __pycache__ -prune -exec rm -rf {} +

$(ENV): requirements.txt constraints.txt pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(INSTALL) || { echo "Once more: an index that does not answer looks like a conflict to pip"; $(INSTALL); }
	touch $@

$(VENDOR): tools/vendor.py $(ENV)
	$(PY) tools/vendor.py

$(BOOK): $(ENV) $(VENDOR) $(SOURCES) tools/execute.py
	$(PY) tools/execute.py run
	jupyter-book build . --quiet --all -W --keep-going -n || { rm -rf _build/html; exit 1; }
	$(PY) tools/execute.py times
	touch $@
