# make run and make test set everything up by themselves, in .venv; they need Python 3.11 or later, make and a C compiler.

PYTHON ?= python3
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest
C_FILES = $(wildcard mlp_c/*.[ch] mlp_c/ops/*.c mlp_c/program/*.[ch])
SETUP = pyproject.toml setup.py constraints.txt mlp_c/build_kernels.py $(wildcard mlp_c/*.[ch] mlp_c/ops/*.c)

# A multiply-add rounds twice, as it is written (-ffp-contract=off), but where mlp_c/contract.h is included.
# -fno-math-errno says that nobody reads errno after sqrt. Neither changes what a single operation gives.
# Threads come by OpenMP where the compiler has it.
OPENMP := $(shell echo 'int main(void) { return 0; }' | $(CC) -fopenmp -x c - -o /dev/null 2>/dev/null && echo -fopenmp || echo -fopenmp-simd)
CFLAGS = -O3 -fno-math-errno -ffp-contract=off $(OPENMP)
KERNELS = $(addprefix mlp_c/,float32.c float64.c strict.c tally.c threads.c)
COMPILE = $(CC) -std=c11 -D_POSIX_C_SOURCE=200809L $(CFLAGS) $(WARNINGS)
WARNINGS = -Wall -Wextra -Wconversion -Wshadow

HARNESS = grading poisoning foreign_backends random_shapes diff new_backend parity_command conformance_by_pytest oracle \
	compare bounds bounds_ops golden protocol strict_oracle strict_parity

.PHONY: help run dev test test-fast lint mlp test-parity test-mutants kill-matrix parity-full parity-strict-full strict-figures bench bench-gpt speed \
	ladder names-best hard-cases strict-golden test-strict test-kill test-faults test-hardcases test-asan test-tsan test-ulp test-old-cpu mlp-failing \
	test-coverage fuzz test-all site readme clean

help:
	@echo "make run          train on the names inside the package, then print names that never existed"
	@echo "make dev          torch and the tools of the tests, for the rest of the README"
	@echo "make test         all tests"
	@echo "make test-fast    the tests to run all day, under 90 seconds"
	@echo "make lint         ruff, and the C compiler's warnings as errors"
	@echo "make mlp          build/mlp: the C program that needs no Python"
	@echo "make test-parity  grade every backend and build/mlp, and test the harness that grades"
	@echo "make test-mutants plant every known bug in every backend; each must be caught"
	@echo "make test-strict  strict float32: 10,000 cases a primitive against exact arithmetic, training, emulated CPUs"
	@echo "make test-kill    kill 200 training runs at random moments; each must go on to the same bytes"
	@echo "make test-faults  a fault in each write, fsync and rename of a run, in five ways"
	@echo "make test-hardcases  strict tanh, exp and log of all 2^32 float32 inputs, in every backend"
	@echo "make test-asan    the tests with AddressSanitizer and UndefinedBehaviorSanitizer, leaks, failing allocations"
	@echo "make test-tsan    eight models on eight threads, with ThreadSanitizer"
	@echo "make test-ulp     the float32 tanh and exp of the kernels on all 2^32 numbers, as dispatched and for any CPU"
	@echo "make test-old-cpu the binaries on a CPU without AVX2, emulated; needs qemu-user"
	@echo "make test-coverage  each branch of build/mlp is taken by its tests, or listed with a reason"
	@echo "make fuzz         every reader, FUZZ_SECONDS=60 each"
	@echo "make test-all     all of these: a night's work"
	@echo "make hard-cases   the float32 inputs for which a float64 tanh, exp or log is not enough; writes their tables"
	@echo "make strict-golden  train in exact arithmetic; writes common/conformance/strict/golden.py, the bits that are due"
	@echo "make kill-matrix  which bug which tolerance catches; writes common/conformance/kill_matrix.md"
	@echo "make parity-full  all 50,000 steps in float64 in every backend, byte for byte; writes the README's table"
	@echo "make parity-strict-full  the same in strict float32, SHA-256 by SHA-256"
	@echo "make strict-figures  what strict float32 changes and costs; writes docs/strict.md"
	@echo "make bench        time a step of every backend; writes the README's tables and docs/speed.png"
	@echo "make bench-gpt    train the GPT's recipes and time a step of it; writes the README's tables"
	@echo "make speed        how long a few other things take, beside their limits"
	@echo "make ladder       train every rung of the ladder; writes the README's table and docs/ladder.png"
	@echo "make names-best   train names-best from five seeds; writes the README's figure"
	@echo "make site         build/site/index.html: C, numpy and torch side by side, with what was measured of them"
	@echo "make readme       write the README's figures anew"
	@echo "make clean        remove .venv, build and runs"

run: .venv/core
	@$(BIN)/nnz train names

dev: .venv/dev

test: .venv/dev build/mlp
	$(PYTEST) -n 2 --dist loadgroup

test-fast: .venv/dev build/mlp
	$(PYTEST) -n 2 --dist loadgroup -m "not slow"

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)
	$(MAKE) --no-print-directory -B build/mlp WARNINGS="$(WARNINGS) -Werror"

mlp: build/mlp

build/mlp: $(C_FILES)
	@mkdir -p build
	$(COMPILE) mlp_c/program/*.c $(KERNELS) -lm -o $@

# The last line takes those tests that show the harness itself to be sound.
test-parity: .venv/dev build/mlp
	OMP_NUM_THREADS=1 $(BIN)/nnz parity c numpy torch --json build/parity.json
	OMP_NUM_THREADS=1 $(BIN)/nnz parity --cmd build/mlp
	$(PYTEST) -n 2 $(addprefix tests/test_,$(addsuffix .py,$(HARNESS)))

test-mutants: .venv/dev
	PYTHONPATH=tests $(BIN)/python -m mutants

# 10,000 cases of each primitive, in every backend and by every compiler here.
test-strict: .venv/dev build/mlp
	CASES=10000 $(PYTEST) -n 2 --dist loadgroup tests/test_strict_primitives.py tests/test_strict_parity.py tests/test_strict.py

test-kill: .venv/dev build/mlp
	$(BIN)/python tests/kill.py

test-faults: .venv/dev build/mlp
	EVERY_FAULT=1 $(PYTEST) -n 2 tests/test_faults.py

# With what says when float64 is not enough: tests/c/hard_cases.c goes over all float32 inputs, in minutes.
test-hardcases: .venv/dev build/hard_cases build/strict_functions.so
	OMP_NUM_THREADS=1 $(BIN)/python tests/every_float32.py

hard-cases: .venv/dev build/hard_cases
	$(BIN)/python tests/hard_cases.py

build/hard_cases: tests/c/hard_cases.c
	@mkdir -p build
	$(COMPILE) $< -lm -o $@

build/strict_functions.so: tests/c/strict_functions.c $(C_FILES)
	@mkdir -p build
	$(COMPILE) -shared -fPIC $< mlp_c/tally.c mlp_c/threads.c -lm -o $@

# The kernels in a second installation, and build/mlp once more, with AddressSanitizer and UndefinedBehaviorSanitizer; the
# library must come first in the process. Python itself never gives all its memory back, so leaks are looked for in the C
# program alone. Of tests/test_sanitized.py, a canary that is not reported fails the job. What has no place here: the GPT,
# in which there is no C; build/mlp beside the kernels in Python, for the two are built otherwise here, and round so; where
# nnz diff looks for the code, which is not in the checkout; the planted bugs, one of which the sanitizer reports itself; how
# much memory training takes, for the sanitizer takes as much again; and the library of faults, which must come first too.
CHECKS = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
NOT_THERE = "not what_the_c_backend_writes and not planted_bug_is_named and not mutants and not gpt \
	and not memory_is_that_of and not goes_wrong_in_python"
FAILING ?= build/asan/mlp-failing
PROGRAM_TESTS = $(addprefix tests/test_,program_files.py program_resume.py program_checkpoints.py program_edges.py \
	program_folders.py bad_words_program.py protocol.py wrong_programs.py allocations.py)

test-asan: .venv/dev build/asan/mlp mlp-failing
	rm -rf build/asan/source build/asan/site && mkdir -p build/asan/source
	cp -r pyproject.toml setup.py MANIFEST.in README.md LICENSE common docs mlp_c mlp_numpy mlp_torch gpt_torch build/asan/source
	rm -f build/asan/source/mlp_c/_kernels*
	CFLAGS="$(CHECKS)" LDFLAGS="-fsanitize=address,undefined" $(PIP) --no-deps --target build/asan/site build/asan/source
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 PYTHONPATH=build/asan/site \
		LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
		$(PYTEST) -n 2 -p no:cacheprovider -k $(NOT_THERE) $(ASAN_TESTS)
	MLP_PROGRAM=build/asan/mlp MLP_FAILING=build/asan/mlp-failing $(PYTEST) -n 2 $(PROGRAM_TESTS) -k $(NOT_THERE)

build/asan/mlp: $(C_FILES)
	@mkdir -p build/asan
	$(COMPILE) $(CHECKS) $(KERNELS) mlp_c/program/*.c -lm -o $@

WRAP = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=open_memstream

mlp-failing: $(C_FILES)
	@mkdir -p build/asan
	$(COMPILE) -Wno-error $(CHECKS) $(WRAP) tests/c/allocations.c $(KERNELS) mlp_c/program/*.c -lm -o $(FAILING)

# The second program must be reported, or the first proves nothing.
test-tsan:
	@mkdir -p build/tsan
	for test in models_on_threads race; do for copy in float32 float64 strict; do \
		$(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -g -fsanitize=thread -DNNZ_$$(echo $$copy | tr a-z A-Z)= \
			tests/c/$$test.c mlp_c/$$copy.c mlp_c/tally.c mlp_c/threads.c -lm -lpthread -o build/tsan/$$test-$$copy || exit 1; \
	done; done
	for copy in float32 float64 strict; do build/tsan/models_on_threads-$$copy || exit 1; done
	@build/tsan/race-float32 2>&1 | grep -q "ThreadSanitizer: data race" && echo "and a race is reported"

# The kernels as they are dispatched here, and as a CPU without AVX2 has them; some two minutes each on two cores.
ULP_BUDGET = $$($(BIN)/python -c "from nnz.conformance.bounds.rounding import ULP_BUDGET; print(ULP_BUDGET)")

test-ulp: .venv/core build/ulp/dispatched build/ulp/baseline
	for build in dispatched baseline; do echo $$build && build/ulp/$$build $(ULP_BUDGET) || exit 1; done

build/ulp/baseline: ONE_COPY = -DNNZ_ONE_COPY
build/ulp/dispatched build/ulp/baseline: tests/c/ulp.c $(C_FILES)
	@mkdir -p build/ulp
	$(COMPILE) $(ONE_COPY) tests/c/ulp.c mlp_c/float32.c mlp_c/threads.c -lm -o $@

test-old-cpu: .venv/dev build/mlp
	CI=true $(PYTEST) tests/test_old_cpu.py

# Needs Atheris, which has wheels for Linux, and clang with its runtime libraries (Debian: libclang-rt-14-dev).
FUZZ_SECONDS ?= 60
FUZZED = json safetensors safetensors_header safetensors_read file failure config setting settings digests sha256 dataset text utf8
FUZZ = -max_total_time=$(FUZZ_SECONDS) -timeout=60 -rss_limit_mb=4096 -print_final_stats=1 -verbosity=0

fuzz: .venv/dev build/fuzz/fuzz_program
	$(PIP) --editable '.[torch,dev,fuzz]'
	$(BIN)/python tests/fuzz/seeds.py build/fuzz
	cd build/fuzz && ./fuzz_program $(FUZZ) -close_fd_mask=3 -detect_leaks=0 -max_len=6000 program
	for reader in checkpoint metadata golden recipe tokenizer dataset statistics; do \
		echo $$reader; $(BIN)/python tests/fuzz/fuzz_python.py $$reader $(FUZZ) build/fuzz/$$reader || exit 1; \
	done

build/fuzz/fuzz_program: $(C_FILES) $(wildcard tests/fuzz/*.[ch])
	@mkdir -p build/fuzz
	clang -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-include tests/fuzz/arena.h tests/fuzz/fuzz_program.c $(FUZZED:%=mlp_c/program/%.c) -lm -o $@

# Counted without optimisation, with one copy of each kernel instead of one for each kind of CPU, and with allocations that
# can be made to fail. A process that is killed, or may write no more to any file, leaves no counts.
COVERED = $(addprefix tests/test_,program_files.py program_resume.py program_checkpoints.py program_edges.py \
	program_folders.py bad_words_program.py protocol.py faults.py signals.py allocations.py run_lock.py)
UNCOUNTED = "not what_the_c_backend_writes and not grow_no_further and not goes_wrong_in_python and not at_random \
	and not many_rounds and not many_a_byte and not file_at_all and not finished_by"

test-coverage: .venv/dev
	rm -rf build/coverage && mkdir -p build/coverage
	cd build/coverage && $(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -DNNZ_ONE_COPY -O0 --coverage -fprofile-update=atomic \
		$(WRAP) $(addprefix ../../,tests/c/allocations.c $(KERNELS)) ../../mlp_c/program/*.c -lm -o mlp
	MLP_PROGRAM=build/coverage/mlp MLP_FAILING=build/coverage/mlp EVERY_FAULT=5 $(PYTEST) -n 2 -k $(UNCOUNTED) $(COVERED)
	$(BIN)/python tests/coverage.py build/coverage

# All that proves anything, the cheap first. make fuzz takes FUZZ_SECONDS for each of eight readers.
test-all: lint test test-strict test-tsan test-ulp test-faults test-asan test-kill test-parity test-mutants test-hardcases fuzz

parity-strict-full: .venv/dev build/mlp
	$(BIN)/python tests/parity_full.py strict

strict-figures: .venv/dev
	$(BIN)/python tests/strict_figures.py

strict-golden: .venv/dev
	$(BIN)/python tests/strict_golden.py

kill-matrix: .venv/dev
	PYTHONPATH=tests $(BIN)/python -m mutants.kill_matrix

parity-full: .venv/dev build/mlp
	$(BIN)/python tests/parity_full.py

bench: .venv/dev build/mlp
	$(BIN)/python tests/readme.py bench

bench-gpt: .venv/dev
	$(BIN)/python tests/readme.py gpt

speed: .venv/dev
	$(BIN)/python tests/speed.py

ladder names-best: .venv/dev
	$(BIN)/python tests/readme_ladder.py $@

# With the figures of the last make test-parity and make bench; quick ones where there are none.
site: .venv/dev build/parity.json build/bench.json
	$(BIN)/nnz read --out build/site --no-open

build/parity.json: | .venv/dev
	@mkdir -p build
	OMP_NUM_THREADS=1 $(BIN)/nnz parity c numpy torch --rounds 5 --json $@ >build/parity.txt

build/bench.json: | .venv/dev
	@mkdir -p build
	$(BIN)/nnz bench --rounds 5 --steps 20 --threads 1 --json $@ >build/bench.txt

readme: .venv/dev build/mlp
	$(BIN)/python tests/readme.py

clean:
	rm -rf .venv build runs

.venv/core: $(SETUP)
	@echo "setting up .venv (this is done once, and takes a minute or two)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) --editable .
	@touch $@

.venv/dev: .venv/core
	@echo "adding torch and the test tools to .venv (this is done once)" >&2
	@$(PIP) --editable '.[torch,dev]'
	@touch $@
