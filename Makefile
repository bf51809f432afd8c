# `make run` and `make test` set up all they need in .venv; they need Python 3.11 or later, make and a C compiler.

PYTHON ?= python3
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest
TOOL = PYTHONPATH=tests $(BIN)/python -m
C_FILES = $(wildcard $(addsuffix /*.[ch],mlp_c mlp_c/* gpt_c gpt_c/*))
SETUP = pyproject.toml setup.py constraints.txt mlp_c/binding/build_kernels.py $(filter-out mlp_c/program/% mlp_c/web/%,$(C_FILES))

# A multiply-add rounds twice, as it is written (-ffp-contract=off), except where mlp_c/fast/contract.h is included.
# -fno-math-errno says that nobody reads errno after sqrt.
CFLAGS = -O3 -fno-math-errno -ffp-contract=off -fopenmp-simd -pthread
KERNELS = $(addprefix mlp_c/,fast/float32.c fast/float64.c fast/threads.c strict/strict.c strict/tally.c) \
	$(addprefix gpt_c/,fast/float32.c fast/float64.c strict/strict.c)
COMPILE = $(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -D_DARWIN_C_SOURCE $(CFLAGS) $(WARNINGS)
WARNINGS = -Wall -Wextra -Wconversion -Wshadow
# Into place by rename: two may build the same file at once, and what runs the old one goes on with it.
IN_PLACE = -o $@.$$$$ && mv -f $@.$$$$ $@

# What the tests run. They build it themselves where it is not there (tests/support/built_program.py).
BUILT = build/mlp build/ulp/dispatched build/ulp/baseline build/strict_functions.so build/strict_any_cpu.so

.PHONY: help run dev test test-fast lint mlp wheels site clean
.DEFAULT_GOAL = help

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/core  ## train on the names inside the package, then print new names
	@$(BIN)/nnz train names $(if $(wildcard $(addprefix runs/names-,c numpy)/checkpoint.safetensors),--resume)

dev: .venv/dev  ## install torch and what the tests need into .venv

test: .venv/dev $(BUILT)  ## run all tests
	$(PYTEST) -n 2 --dist loadgroup

test-fast: .venv/dev $(BUILT)  ## run the tests that take under 90 seconds together
	$(PYTEST) -n 2 --dist loadgroup -m "not slow"

lint: .venv/dev  ## check style, types, imports between rooms, and compiler warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(C_FILES) examples/*/*.cpp
	if test -x $(BIN)/actionlint; then $(BIN)/actionlint -shellcheck= -pyflakes=; fi
	$(MAKE) --no-print-directory -B build/mlp WARNINGS="$(WARNINGS) -Werror"
	@rm -rf build/house && mkdir -p build/house/nnz  # the package in one tree, as it is installed
	@cd build/house/nnz && mkdir c numpy torch && ln -s $(CURDIR)/common/* . && ln -s $(CURDIR)/gpt_torch gpt && \
		ln -s $(CURDIR)/mlp_c/* c && ln -s $(CURDIR)/gpt_c c/gpt && \
		ln -s $(CURDIR)/mlp_numpy/* numpy && ln -s $(CURDIR)/gpt_numpy numpy/gpt && \
		ln -s $(CURDIR)/mlp_torch/* torch && ln -s $(CURDIR)/gpt_torch/spelled_out torch/gpt && \
		ln -s $(CURDIR)/gpt_torch/ops torch/gpt_ops
	PYTHONPATH=build/house $(BIN)/lint-imports --no-logo
	cd build/house && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml
	cd build/house && $(CURDIR)/$(BIN)/mypy --strict --follow-imports silent $(CURDIR)/tests/support/public_types.py

mlp: build/mlp  ## compile build/mlp, the C program that needs no Python

build/mlp: $(C_FILES)
	@mkdir -p build
	$(COMPILE) -DNNZ_PROGRAM mlp_c/program/*.c $(KERNELS) -lm $(IN_PLACE)

wheels: .venv/dev  ## build an sdist, and wheels for Linux with glibc and musl on x86-64 and aarch64, in build/wheels
	$(TOOL) tools.wheels

clean:  ## remove .venv, build and runs
	rm -rf .venv build runs

.venv/core: $(SETUP)
	@echo "setting up .venv (once; a minute or two)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) --editable . >&2
	@touch $@

.venv/dev: .venv/core
	@echo "adding torch and the test tools to .venv (once)" >&2
	@$(PIP) --editable '.[torch,dev]' >&2
	@touch $@

include make/proofs.mk make/figures.mk make/wasm.mk
