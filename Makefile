# `make` lists what can be made.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= config.yaml
RUNS := $(VENV)/.runs
INSTALLED := $(VENV)/.installed
ON_ALL_CORES := --numprocesses logical --maxprocesses 8 --dist worksteal

# Without byte code, each of the many processes of a run compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run report test test-slow slurm browser test-slurm proof bench-workflow check format lint types docs site notebooks constraints bench-kstar bench-prototypes bench-confusion bench-gpu clean-venv

help:
	@echo "make run               install what running needs into .venv, run the studies of config.yaml, and make their page"
	@echo "make run CONFIG=FILE   the same for another config, such as those in configs/"
	@echo "make report            the page again, also during a run: results/report.html"
	@echo "make test              install what developing needs, and run the quick tests"
	@echo "make check             format, lint and types"
	@echo "make proof             every edit, kill and damage of the re-run contract; hours"
	@echo "make bench-kstar       k* against other ways to compute it; also -prototypes, -confusion, -workflow, -gpu"
	@echo "make docs              write generated pages again"
	@echo "make site              the documentation as a folder to open: site/index.html"

# The results are worth something without the page, too: a page that fails does not fail the run.
run: $(RUNS)
	@echo "Running the studies of $(CONFIG). Ctrl-C stops this, and nothing is lost."
	@$(BIN)/latent-atlas run --configfile $(CONFIG)
	@echo "Making the page of all results; it takes seconds to a few minutes."
	@$(BIN)/latent-atlas report --configfile $(CONFIG) || echo "There is no page, but all results are there. To try again: make report"
	@echo "For commands of your own, such as latent-atlas: source $(BIN)/activate"

report: $(RUNS)
	$(BIN)/latent-atlas report --configfile $(CONFIG)

# A few minutes: all units, and a few cases of the workflow.
test: $(INSTALLED)
	$(BIN)/pytest $(ON_ALL_CORES)

# What CI runs: the slow tests too.
test-slow: $(INSTALLED)
	$(BIN)/pytest $(ON_ALL_CORES) -m ""

# The daemons of SLURM, from Debian's packages; needs root where they are not there yet.
slurm:
	test -x /usr/sbin/slurmctld || (apt-get update -qq && apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge)

# Chromium, for the tests of pages; needs root where it is not there yet.
browser:
	test -x /usr/bin/chromium || (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium)

# The workflow on a SLURM of one node on this machine; needs root.
test-slurm: slurm $(INSTALLED)
	LATENT_ATLAS_TEST_SLURM=1 $(BIN)/pytest tests/slurm

# Edits, kills, damage and mistakes, in full: the jobs that ran and the bytes of every result, against what must be.
proof: $(INSTALLED)
	$(BIN)/python tests/workflow/proof.py

check: format lint types

# What pre-commit checks too.
format: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/snakemake --lint
	$(BIN)/python -m workflow_lib.config.generate --check
	$(BIN)/python tests/workflow/contract_page.py --check

types: $(INSTALLED)
	$(BIN)/mypy

docs: $(INSTALLED)
	$(BIN)/python -m workflow_lib.config.generate
	$(BIN)/python tests/workflow/contract_page.py

# Warnings are errors: links and anchors that lead nowhere, pages that no list names.
site: $(INSTALLED)
	rm -rf site
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs site
	rm -rf jupyter_execute
	@echo "Open site/index.html in a browser; it needs no server and no network."

notebooks: $(INSTALLED)
	$(BIN)/python docs/notebooks/execute.py

bench-kstar: $(INSTALLED)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python -m bench.bench_kstar

bench-workflow: $(INSTALLED)
	$(BIN)/python -m bench.bench_workflow

bench-prototypes: $(INSTALLED)
	$(BIN)/python -m bench.bench_prototypes

bench-confusion: $(INSTALLED)
	$(BIN)/python -m bench.bench_confusion

# Needs a GPU; a few minutes.
bench-gpu: $(INSTALLED)
	PYTHON=$(BIN)/python sh bench/gpu.sh

# A fresh environment whenever the dependencies change; `pip install` then finds most of it in place. Python compiles what
# it imports: to compile all that comes with PyTorch takes a minute.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable

COMPILE := import umap, numpy, latent_atlas; [latent_atlas.kstar(numpy.eye(3, dtype=kind), [0, 0, 1]) for kind in "fd"]

$(RUNS): EXTRAS := workflow
$(INSTALLED): EXTRAS := dev,docs,slurm
$(RUNS) $(INSTALLED): pyproject.toml constraints.txt
	@echo "Installing into $(VENV); with PyTorch to download, this takes some minutes."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[$(EXTRAS)]'
	@echo "Compiling the code of k* and of the 2-D maps, once; half a minute."
	@$(BIN)/python -W ignore -c '$(COMPILE)'
	@touch $(RUNS) $@

clean-venv:
	rm -rf $(VENV)

# Pins every package that is installed now, without the build tag of a CPU-only torch.
constraints: $(INSTALLED)
	(head -1 constraints.txt; $(BIN)/pip freeze --exclude-editable --exclude triton | sed 's/+cpu$$//') > constraints.new
	mv constraints.new constraints.txt
