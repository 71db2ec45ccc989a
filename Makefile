# Sets up .venv on first use, and again when the requirements change. `make` alone says what it can.
#     make run ARGS="--columns 80 --colour tint"
#     make test ARGS="tests/test_grid.py -x"
#     make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV ?= .venv
SET ?= digits
RUN_WITH_CAMERAS ?= ../shared/cameras/run-with-cameras
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

python = $(VENV)/bin/python
pip = $(python) -m pip --quiet --disable-pip-version-check

.PHONY: help set-up run test test-devices fuzz check docs package train bench

help:
	@echo "make set-up        what all others do first"
	@echo "make run           the webcam as a mosaic, or the demo where there is no webcam"
	@echo "make test          all tests"
	@echo "make test-devices  the tests that need a webcam and a virtual camera"
	@echo "make fuzz          spoils what the program reads: ARGS=\"--seconds 600\""
	@echo "make check         format, lint and types"
	@echo "make docs          the reference, into build/docs"
	@echo "make package       wheel and sdist, tried in an empty environment"
	@echo "make train         train a tile set: SET=$(SET)"
	@echo "make bench         how fast it is"
	@echo "ARGS=... goes on to the command"

set-up: $(VENV)/.test

run: $(VENV)/.run
	@$(python) -m realtime --source auto $(ARGS)

test: $(VENV)/.test
	@$(python) -m pytest $(ARGS)

test-devices: $(VENV)/.test
	@RUN_WITH_CAMERAS="$(RUN_WITH_CAMERAS)" .ci/test-devices "$(abspath $(python))" $(ARGS)

fuzz: $(VENV)/.test
	@$(python) -m tests.fuzz $(ARGS)

check: $(VENV)/.test
	@$(python) -m ruff format --check .
	@$(python) -m ruff check .
	@$(python) -m mypy

docs: $(VENV)/.test
	@$(python) -c 'import realtime; realtime.MosaicFilter; from pdoc.__main__ import cli; cli()' \
		--docformat google --output-directory build/docs realtime \
		$(patsubst realtime/%.py,realtime.%,$(filter-out realtime/__%,$(wildcard realtime/*.py)))
	@echo "build/docs/index.html"

package: $(VENV)/.test
	@.ci/test-package "$(abspath $(python))"

train: $(VENV)/.train
	@$(python) -m export.train $(SET) $(ARGS)

bench: $(VENV)/.train
	@$(python) -m benchmarks $(ARGS)

# Without a desktop, the libraries that opencv-python draws windows with may be missing. Its twin
# without windows needs none of them.
define require_opencv
	@$(python) -c 'import cv2' 2>/dev/null || { \
		echo "no libraries for windows (Debian: apt-get install libgl1 libglib2.0-0; rm -r $(VENV)): taking opencv-python-headless"; \
		$(pip) uninstall --yes opencv-python && $(pip) install --force-reinstall --no-deps \
			"$$(sed -n 's/^opencv-python/opencv-python-headless/p' requirements.txt)"; }
endef

$(VENV)/.run: requirements.txt $(python)
	@echo "installing into $(VENV): what the program needs"
	@$(pip) install -r requirements.txt
	$(require_opencv)
	@touch $@

# PyTorch comes from its own index and nowhere else: the builds there are for the CPU alone, the one
# on PyPI brings gigabytes of CUDA.
$(VENV)/.train: export/requirements.txt $(VENV)/.run
	@echo "installing into $(VENV): what training needs"
	@$(pip) install --retries 1 --no-deps --index-url $(TORCH_INDEX) \
		"$$(grep ^torch export/requirements.txt)"
	@$(pip) install -r export/requirements.txt
	$(require_opencv)
	@touch $@

$(VENV)/.test: .ci/requirements.txt export/requirements.txt $(VENV)/.run
	@$(MAKE) --no-print-directory $(VENV)/.train || \
		echo "no PyTorch from $(TORCH_INDEX): tests of training will skip, and types not be checked"
	@echo "installing into $(VENV): what tests and checks need"
	@$(pip) install -r .ci/requirements.txt
	@touch $@

$(python):
	@command -v $(PYTHON) >/dev/null || { echo "there is no $(PYTHON): install Python 3.10 or newer, or pass PYTHON="; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "found $$($(PYTHON) --version 2>&1), expected 3.10 or newer: pass PYTHON=python3.12 or the like"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
