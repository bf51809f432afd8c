# WebAssembly, by the clang of the Python package ziglang: what the page "train" computes with, and build/mlp for WASI.
# The same sources give the same bytes, in any folder: tests/reading/test_wasm.py builds the page's copy again.

.PHONY: wasm

ZIG = $(BIN)/python -m ziglang cc -target wasm32-wasi -msimd128 -s -Wno-pass-failed
OF_PAGE = mlp_c/web/web.c mlp_c/web/memory_files.c \
	$(filter-out $(addprefix mlp_c/program/,main.c train.c file.c folder.c log.c conformance%),$(wildcard mlp_c/program/*.c))

PAGES_COPY = common/reading/assets/nnz.wasm

wasm: build/nnz.wasm build/mlp.wasm  ## compile to WebAssembly: what the page "train" runs, and build/mlp for WASI
	cmp -s build/nnz.wasm $(PAGES_COPY) || cp build/nnz.wasm $(PAGES_COPY)

build/nnz.wasm build/mlp.wasm: CC = $(ZIG)
build/nnz.wasm build/mlp.wasm: WARNINGS += -Wno-bitwise-instead-of-logical

build/nnz.wasm: .venv/dev $(C_FILES)
	@mkdir -p build
	$(COMPILE) -mexec-model=reactor $(OF_PAGE) $(KERNELS) -lm $(IN_PLACE)

build/mlp.wasm: .venv/dev $(C_FILES)
	@mkdir -p build
	$(COMPILE) -DNNZ_PROGRAM mlp_c/program/*.c $(KERNELS) -lm $(IN_PLACE)
