# Figures: the tables and pictures of the README and docs/, each written by a command.

.PHONY: figures hard-cases strict-golden strict-figures kill-matrix browser-speed busy parity-full parity-strict-full parity-gpt bench bench-gpt \
	platforms ladder names-best gpt-names tricks time-limits site reading-figures reading-gpt reading-proof referee-examples

figures: .venv/dev build/mlp  ## write the quick figures of README and docs
	for tool in readme architecture columns sources; do $(TOOL) tools.$$tool || exit 1; done

bench: .venv/dev build/mlp build/parity.json  ## time a step of every backend; writes docs/speed.md, speed.png, the page's figures
	$(TOOL) tools.bench
	$(TOOL) tools.bench gpt
	$(TOOL) tools.reading_figures

browser-speed: .venv/dev  ## time a training step in Chromium, next to build/mlp; writes docs/speed.md
	$(TOOL) tools.browser_speed

busy: .venv/dev  ## time training next to busy processes; writes docs/speed.md
	$(TOOL) tools.busy

tricks: .venv/dev  ## measure what each trick of the fast kernel gains; writes docs/walk.md
	$(TOOL) tools.tricks

bench-gpt: .venv/dev  ## train the GPT's recipes and time a step; writes docs/gpt.md
	$(TOOL) tools.train_recipes gpt

ladder names-best gpt-names: .venv/dev  ## train the ladder, or a recipe from five seeds; writes docs/ladder.md
	$(TOOL) tools.train_recipes $@

time-limits: .venv/dev  ## print how long some things take, and how long they may take
	$(TOOL) tools.time_limits

parity-full: .venv/dev build/mlp  ## train all 50,000 steps in every backend, to the same bytes; writes docs/parity.md
	$(TOOL) tools.parity_full

parity-strict-full: .venv/dev build/mlp  ## the same in strict float32
	$(TOOL) tools.parity_full strict

parity-gpt: .venv/dev build/mlp  ## train gpt-cpu, or STEPS=N of it, in every backend and in both C programs, to the same bytes
	$(TOOL) tools.parity_gpt $(or $(STEPS),2000)

platforms: .venv/dev  ## build and run build/mlp for other processors and C libraries; writes docs/platforms.md
	$(TOOL) tools.platforms

build/platforms/%:
	$(COMPILE) $(EXTRA) -DNNZ_PROGRAM mlp_c/program/*.c $(KERNELS) -lm -o $@

kill-matrix: .venv/dev  ## find out which tolerance catches which bug; writes the kill matrix
	$(TOOL) support.mutants.kill_matrix

strict-figures: .venv/dev  ## measure what strict float32 changes and costs; writes docs/strict.md
	$(TOOL) tools.strict_figures

strict-golden: .venv/dev  ## train in exact arithmetic; writes the hashes that strict float32 must give
	$(TOOL) tools.strict_golden

hard-cases: .venv/dev build/hard_cases  ## find the float32 inputs where float64 is not enough; writes their tables
	$(TOOL) tools.hard_cases

# The reading page compares the plain C kernels, nnz.c.plain, with the fast ones.
BENCHED = $(addprefix --backend ,c numpy torch nnz.c.plain)

# With the figures of the last make test-parity and make bench; if there are none, they are measured quickly.
site: .venv/dev build/parity.json build/bench.json  ## write the reading page to build/site: the three sources in columns
	$(BIN)/nnz read --out build/site --no-open

reading-figures: .venv/dev build/parity.json build/bench.json  ## put these figures into the package, for nnz read
	$(TOOL) tools.reading_figures

referee-examples: .venv/dev  ## grade the ports in examples/microgpt; writes the verdicts in docs/microgpt.md
	$(TOOL) tools.referee_examples

reading-gpt: .venv/dev  ## train the small GPT of the reading page in C; its weights go into the package
	$(TOOL) tools.reading_gpt

reading-proof: .venv/dev  ## train as the reading page does in its proof; the hashes go into the package
	$(TOOL) tools.reading_proof

build/parity.json: | .venv/dev
	@mkdir -p build
	OMP_NUM_THREADS=1 $(BIN)/nnz parity c numpy torch nnz.c.plain --rounds 5 --json $@ >build/parity.txt

build/bench.json: | .venv/dev
	@mkdir -p build
	$(BIN)/nnz bench $(BENCHED) --rounds 5 --steps 20 --threads 1 --json $@ >build/bench.txt
