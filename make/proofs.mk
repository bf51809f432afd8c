# Proofs: that the backends agree, that a run loses nothing, and that the harness itself is right.

.PHONY: test-parity test-mutants test-strict test-kill test-faults test-hardcases test-asan test-asan-python \
	test-asan-program test-asan-gpt test-tsan test-ulp \
	test-old-cpu test-coverage fuzz analyze reliability test-all

HARNESS = $(addprefix tests/conformance/test_,$(addsuffix .py,grading poisoning foreign_backends diff new_backend \
	parity_command conformance_by_pytest oracle compare bounds golden protocol strict_oracle strict_parity)) \
	tests/backend/test_random_shapes.py

test-parity: .venv/dev build/mlp  ## grade every backend and build/mlp, and test the harness that grades
	OMP_NUM_THREADS=1 $(BIN)/nnz parity c numpy torch nnz.c.plain --json build/parity.json
	OMP_NUM_THREADS=1 $(BIN)/nnz parity --cmd build/mlp
	$(PYTEST) -n 2 $(HARNESS)

test-mutants: .venv/dev  ## plant every known bug in every backend; each must be caught
	$(TOOL) support.mutants

test-strict: .venv/dev build/mlp  ## check strict float32 against exact arithmetic, 10,000 cases per primitive
	CASES=10000 $(PYTEST) -n 2 --dist loadgroup tests/numbers/test_strict_primitives.py \
		tests/conformance/test_strict_parity.py tests/training/test_strict.py

test-kill: .venv/dev build/mlp  ## kill 200 training runs at random moments; each must end with the same bytes
	$(TOOL) tools.kill

test-faults: .venv/dev build/mlp  ## make each write, fsync and rename of a run fail, in five ways
	EVERY_FAULT=1 $(PYTEST) -n 2 tests/training/test_faults.py

test-hardcases: .venv/dev build/hard_cases build/strict_functions.so  ## check strict tanh, exp and log for all 2^32 inputs
	OMP_NUM_THREADS=1 $(TOOL) tools.every_float32

build/hard_cases: tests/support/c/hard_cases.c
	@mkdir -p build
	$(COMPILE) -fopenmp $< -lm $(IN_PLACE)

build/strict_any_cpu.so: ONE_COPY = -DNNZ_ONE_COPY
build/strict_clang.so: CC = clang
build/strict_functions.so build/strict_any_cpu.so build/strict_clang.so: tests/support/c/strict_functions.c $(C_FILES)
	@mkdir -p build
	$(COMPILE) $(ONE_COPY) -shared -fPIC $< mlp_c/strict/tally.c mlp_c/fast/threads.c -lm $(IN_PLACE)

build/faults.so: tests/support/c/faults.c
	@mkdir -p build
	$(CC) -shared -fPIC -O1 $< -ldl $(IN_PLACE)

# AddressSanitizer and UndefinedBehaviorSanitizer, in a second installation of the kernels and a second build/mlp. Their library
# must be loaded first. Python never frees all its memory, so only the C program is checked for leaks. tests/mlp_c/test_sanitized.py
# plants an error that must be reported. These tests are left out: those of nnz.gpt, which is torch's; build/mlp compared with the kernels in
# Python, which are built with other flags here and round differently; nnz diff's line of source, which is not in the checkout; the
# planted bugs, one of which the sanitizer itself reports; the memory of training, to which the sanitizer adds its own; and the
# library of faults, which must be loaded first too.
COMMA = ,
CHECKS = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
NOT_THERE = "not what_the_c_backend_writes and not planted_bug_is_named and not mutants and not gpt_torch \
	and not judges_a_split_as_python and not goes_on_in and not gpt_cpu and not numpy_writes \
	and not memory_is_that_of and not goes_wrong_in_python"
PROGRAM_TESTS = $(wildcard tests/mlp_c/test_program_*.py) tests/mlp_c/test_bad_words_program.py \
	tests/mlp_c/test_allocations.py tests/conformance/test_protocol.py tests/conformance/test_wrong_programs.py

test-asan: test-asan-gpt test-asan-python test-asan-program  ## run the tests with AddressSanitizer; find leaks; let allocations fail

test-asan-gpt:
	@mkdir -p build/asan
	for copy in float32 float64; do $(call GPT_ON_THREADS,$$copy,address$(COMMA)undefined,build/asan) || exit 1; done

test-asan-python: .venv/dev build/mlp
	rm -rf build/asan/source build/asan/site && mkdir -p build/asan/source
	cp -r pyproject.toml setup.py MANIFEST.in README.md LICENSE common docs mlp_c mlp_numpy mlp_torch gpt_c gpt_numpy gpt_torch \
		build/asan/source
	rm -f build/asan/source/mlp_c/_kernels*
	CFLAGS="$(CHECKS)" LDFLAGS="-fsanitize=address,undefined" $(PIP) --no-deps --target build/asan/site build/asan/source
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 PYTHONPATH=build/asan/site \
		LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
		$(PYTEST) -n 2 -p no:cacheprovider -k $(NOT_THERE) $(ASAN_TESTS)

test-asan-program: .venv/dev build/asan/mlp build/asan/mlp-failing
	MLP_PROGRAM=build/asan/mlp MLP_FAILING=build/asan/mlp-failing $(PYTEST) -n 2 $(PROGRAM_TESTS) -k $(NOT_THERE)

build/asan/mlp: $(C_FILES)
	@mkdir -p build/asan
	$(COMPILE) -DNNZ_PROGRAM $(CHECKS) $(KERNELS) mlp_c/program/*.c -lm $(IN_PLACE)

WRAP = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=open_memstream

build/asan/mlp-failing: tests/support/c/allocations.c $(C_FILES)
	@mkdir -p build/asan
	$(COMPILE) -DNNZ_PROGRAM -Wno-error $(CHECKS) $(WRAP) $< $(KERNELS) mlp_c/program/*.c -lm $(IN_PLACE)

# GPTs trained and sampled on four threads: $(call GPT_ON_THREADS,KERNELS,SANITIZERS,FOLDER)
GPT_ON_THREADS = $(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -g -fno-sanitize-recover=all -fsanitize=$2 \
	-DNNZ_$$(echo $1 | tr a-z A-Z)= tests/support/c/gpt_on_threads.c gpt_c/fast/$1.c mlp_c/fast/$1.c mlp_c/fast/threads.c \
	-lm -lpthread -o $3/gpt_on_threads-$1 && $3/gpt_on_threads-$1

# The second program has a race on purpose: if it is not reported, the first proves nothing.
test-tsan:  ## run eight models on eight threads, and GPTs on four, with ThreadSanitizer
	@mkdir -p build/tsan
	for test in models_on_threads race; do for copy in fast/float32 fast/float64 strict/strict; do \
		$(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -g -fsanitize=thread -DNNZ_$$(basename $$copy | tr a-z A-Z)= \
			tests/support/c/$$test.c mlp_c/$$copy.c mlp_c/strict/tally.c mlp_c/fast/threads.c -lm -lpthread \
			-o build/tsan/$$test-$$(basename $$copy) || exit 1; \
	done; done
	for copy in float32 float64 strict; do build/tsan/models_on_threads-$$copy || exit 1; done
	for copy in float32 float64; do $(call GPT_ON_THREADS,$$copy,thread,build/tsan) || exit 1; done
	$(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -g -fsanitize=thread tests/support/c/shared_loops.c mlp_c/fast/threads.c \
		-lpthread -o build/tsan/shared_loops && build/tsan/shared_loops
	@build/tsan/race-float32 2>&1 | grep -q "ThreadSanitizer: data race" && echo "and a race is reported"

# The kernels for this CPU, and those for a CPU without AVX2; about two minutes each on two cores.
ULP_BUDGET = $$($(BIN)/python -c "from nnz.conformance.bounds.rounding import ULP_BUDGET; print(ULP_BUDGET)")

test-ulp: .venv/core build/ulp/dispatched build/ulp/baseline  ## check the kernels' float32 tanh and exp for all 2^32 inputs
	for build in dispatched baseline; do echo $$build && build/ulp/$$build $(ULP_BUDGET) || exit 1; done

build/ulp/baseline: ONE_COPY = -DNNZ_ONE_COPY
build/ulp/dispatched build/ulp/baseline: tests/support/c/ulp.c $(C_FILES)
	@mkdir -p build/ulp
	$(COMPILE) -fopenmp $(ONE_COPY) $< mlp_c/fast/float32.c mlp_c/fast/threads.c -lm $(IN_PLACE)

test-old-cpu: .venv/dev build/mlp  ## run the binaries on an emulated CPU without AVX2; needs qemu-user
	CI=true $(PYTEST) tests/mlp_c/test_old_cpu.py

# Needs Atheris, which has wheels for Linux, and clang with its runtime libraries (Debian: libclang-rt-14-dev).
FUZZED = $(filter-out mlp_c/program/main.c,$(wildcard mlp_c/program/*.c)) $(KERNELS)

fuzz: .venv/dev build/fuzz/seeds  ## fuzz every reader, each for FUZZ_SECONDS=60 of the processor
	FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) $(TOOL) tools.reliability fuzz

build/fuzz/seeds: build/mlp build/fuzz/fuzz_program $(wildcard tools/fuzz/*.py)
	$(PIP) --editable '.[torch,dev,fuzz]'
	$(TOOL) tools.fuzz.seeds build/fuzz
	@touch $@

build/fuzz/fuzz_program: $(C_FILES) $(wildcard tools/fuzz/*.[ch])
	@mkdir -p build/fuzz
	clang -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-include tools/fuzz/arena.h tools/fuzz/fuzz_program.c $(FUZZED) -lm $(IN_PLACE)

# Built without optimisation, with one copy of each kernel instead of one for each kind of CPU, and with allocations that can be
# made to fail. Tests in which the process is killed, or cannot write to any file, are left out: they leave no counts.
COVERED = $(wildcard tests/mlp_c/test_program_*.py) tests/mlp_c/test_bad_words_program.py \
	tests/mlp_c/test_allocations.py tests/conformance/test_protocol.py tests/training/test_faults.py \
	tests/training/test_signals.py tests/files/test_run_lock.py
UNCOUNTED = "not what_the_c_backend_writes and not goes_on_in and not gpt_cpu and not numpy_writes \
	and not grow_no_further and not goes_wrong_in_python and not at_random \
	and not many_rounds and not is_not_resumed[23] and not gets_one_line[1] and not finished_by"

test-coverage: .venv/dev  ## check that the tests take each branch of build/mlp that is not listed with a reason
	rm -rf build/coverage && mkdir -p build/coverage
	cd build/coverage && $(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -DNNZ_ONE_COPY -DNNZ_ONE_THREAD -O0 --coverage -fprofile-update=atomic \
		-DNNZ_PROGRAM $(WRAP) $(addprefix ../../,tests/support/c/allocations.c $(KERNELS)) ../../mlp_c/program/*.c -lm -o mlp
	MLP_PROGRAM=build/coverage/mlp MLP_FAILING=build/coverage/mlp EVERY_FAULT=5 $(PYTEST) -n 2 -k $(UNCOUNTED) $(COVERED)
	$(TOOL) tools.coverage build/coverage

# Needs clang-tidy; what it need not check is in .clang-tidy, with reasons. One file at a time: with several it loses va_start.
# In strict/, gcc does not see that a loop up to block->width has filled what the next loop up to it reads.
# It does not see either that a tile of attention is filled, nor that a norm has both a weight and a bias or neither.
ANALYZED = mlp_c/train.c gpt_c/train.c $(wildcard mlp_c/program/*.c mlp_c/binding/*.c gpt_c/binding/*.c) $(KERNELS)
READ = -std=c11 -D_POSIX_C_SOURCE=200809L -DNNZ_ONE_COPY

analyze:  ## read the C with clang-tidy and gcc -fanalyzer; no warning may be left
	for file in $(ANALYZED); do \
		known=$$(case $$file in */strict/* | gpt_c/fast/*) echo -Wno-analyzer-use-of-uninitialized-value;; \
			gpt_c/*) echo -Wno-analyzer-null-dereference;; esac); \
		clang-tidy --quiet $$file -- $(READ) && gcc $(READ) -O1 -fanalyzer $$known -Werror -c $$file -o /dev/null || exit 1; \
	done

# PART=fuzz/recipe runs one part; they take a night together.
reliability: .venv/dev build/mlp build/fuzz/seeds  ## look for faults for a long time; writes docs/reliability.md
	$(TOOL) tools.reliability --write $(PART)

# All proofs, the cheap ones first. make fuzz takes FUZZ_SECONDS for each of twelve readers.
test-all: lint analyze test test-strict test-tsan test-ulp test-faults test-asan test-kill test-parity test-mutants test-hardcases fuzz  ## run all of these; takes a night

