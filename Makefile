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
VENDOR := book/_static/vendor/.stamp
BOOK   := _build/html/.stamp
SOURCES := _config.yml _toc.yml $(shell find book solutions nf_course -type f \
	-not -path '*/vendor/*' -not -path '*/__pycache__/*' -not -path '*/.*')

.PHONY: help book test test-gpu attacks lint serve zip pdf exercises handout colab clean
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
	$(PY) tools/handout.py write _build/handout

colab: $(ENV) ## the same in book/ and exercises/, to commit, for Open in Colab (without NF_COURSE_REPOSITORY: out again)
	$(PY) tools/handout.py here

serve: $(BOOK) ## show the book at http://localhost:8000 (PORT=... for another)
	$(PY) -m http.server --bind localhost --directory _build/html $(PORT)

clean: ## remove what was built; .venv stays
	rm -rf _build book/_static/vendor tests/vendor .pytest_cache .ruff_cache .hypothesis *.egg-info
	find book solutions exercises nf_course tests tools -name __pycache__ -prune -exec rm -rf {} +

$(ENV): requirements.txt constraints.txt pyproject.toml
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENDOR): tools/vendor.py $(ENV)
	$(PY) tools/vendor.py

$(BOOK): $(ENV) $(VENDOR) $(SOURCES) tools/execute.py
	$(PY) tools/execute.py run
	jupyter-book build . --quiet --all -W --keep-going -n || { rm -rf _build/html; exit 1; }
	$(PY) tools/execute.py times
	touch $@
