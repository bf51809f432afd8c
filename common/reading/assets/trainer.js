// The worker of the page "train": it owns the engine, takes steps between two messages, and sends what the page draws.
// It is sent to the worker as text, after engine.js.
function nnzTrainer() {
  const SLICE = 25, EVERY = 100, LOOK = 1000;  // milliseconds: of steps at once, between two losses, between two looks
  const GROWTH = 3, PAUSE = 180;  // but a first look comes after 1 step, then 3, 9, 27 and so on: with a pause, to be seen
  const MOST_CHARACTERS = 200, ROWS = 6;  // in the map; rows of a batch that are shown
  const NEED_RUN = ["run", "pause", "step", "save", "lr"];
  const send = (event, values = {}) => postMessage({ event, number, ...values });
  const next = new MessageChannel();  // unlike a timer it is not slowed down in a tab that nobody sees
  let number;  // of the run that was asked for last
  let turn = 0;  // goes up when a run stops: a slice that waits belongs to the loop of its turn
  let wasm, engine, run, running = false, temperature = 1, typed = "", draws = 0, sum = 0, count = 0, spent = 0, told = 0, looked = 0, lookedAt = 0;

  const isGpt = () => run.L > 0;
  const finite = (loss) => {
    if (!Number.isFinite(loss)) throw new Error(`the training diverged at step ${run.step}: choose a lower learning rate, then Reset`);
    return loss;
  };

  function steps(until, most) {
    const began = performance.now();
    do {
      sum += finite(engine.step());
      run.step++, count++;
    } while (--most > 0 && performance.now() < until && run.step < run.steps);
    spent += performance.now() - began;
  }

  function tell() {
    if (count) send("losses", { step: run.step, loss: sum / count, pace: spent / count, count });
    sum = count = spent = 0, told = performance.now();
  }

  function look() {
    const text = run.end < 0, wte = engine.parameter(isGpt() ? "wte.weight" : "wte"), shown = Math.min(run.V, MOST_CHARACTERS);
    send("look", {
      step: run.step, val: finite(engine.valLoss(Math.max(1, Math.ceil(256 / run.B)))),
      samples: engine.samples(text ? 1 : 8, 160, temperature, 1 + (draws++ % 4e9)),
      map: { E: wte.shape[1], data: wte.data.slice(0, shown * wte.shape[1]) }, ...answer(),
    });
    looked = performance.now(), lookedAt = run.step;
  }

  // What the model expects after the typed text; of a GPT also what each head looks at.
  function answer() {
    const known = [...typed].map((c) => run.characters.indexOf(c)), ids = known.filter((id) => id >= 0);
    const start = Math.max(run.end, run.characters.indexOf("\n"), 0), T = run.T;
    const seen = isGpt() ? [...(run.end < 0 && ids.length ? [] : [start]), ...ids].slice(-T) : [...Array(T).fill(start), ...ids].slice(-T);
    const logits = engine.look(seen), largest = Math.max(...logits), exps = [...logits].map((l) => Math.exp((l - largest) / temperature));
    const all = exps.reduce((a, b) => a + b), n = seen.length, heads = [];
    for (let layer = 0; layer < run.L; layer++) {
      const probs = engine.tensor(`blocks.${layer}.probs`, run.H * n * n);
      for (let h = 0; h < run.H; h++) heads.push({ title: `block ${layer + 1}, head ${h + 1}`, data: probs.slice(h * n * n, (h + 1) * n * n) });
    }
    return { probs: exps.map((e) => e / all), seen, heads, unknown: [...typed].filter((_, i) => known[i] < 0) };
  }

  // Every tensor of the last step, of the first rows of its batch, by name, and the parameters with their gradients.
  function inside() {
    const { rows, length: T, V, E, H, L } = engine.about(), B = Math.min(rows, ROWS), found = {};
    const take = (name, ...shape) => {
      const data = engine.tensor(name, shape.reduce((a, b) => a * b));
      if (data) found[name] = { shape, data };
    };
    for (const { name } of run.tensors) found[name] = engine.parameter(name), found[`d${name}`] = engine.parameter(name, "gradients");
    found.logits = { shape: [isGpt() ? T : B, V], data: engine.logits((isGpt() ? T : B) * V) };
    if (isGpt()) {
      const wide = { x: E, h1: E, qkv: 3 * E, y: E, x_mid: E, h2: E, a_pre: 4 * E, a: 4 * E };
      for (let layer = 0; layer < L; layer++) {
        for (const [name, n] of Object.entries(wide)) take(`blocks.${layer}.${name}`, T, n);
        take(`blocks.${layer}.probs`, H, T, T);
      }
      for (const [name, n] of [["x", E], ["h", E], ["probs", V], ["dlogits", V], ["dh", E]]) take(name, T, n);
    } else {
      for (const name of ["emb", "demb"]) take(name, B, run.T, E);
      for (const name of ["h_pre", "h", "dh", "dh_pre"]) take(name, B, H);
      for (const name of ["probs", "dlogits"]) take(name, B, V);
    }
    return { tensors: found, inputs: engine.ids("inputs", isGpt() ? T : B * T), targets: engine.ids("targets", isGpt() ? T : B) };
  }

  function stop() { running = false, turn++; }

  function slice(mine) {
    if (mine !== turn) return;
    const now = performance.now(), rest = Math.max(1, GROWTH * lookedAt) - run.step;
    if (now > looked + LOOK || (rest <= 0 && now > looked + PAUSE)) tell(), look();
    else if (rest === 0) {
      setTimeout(() => attempt(() => slice(mine)), looked + PAUSE - now);
      return;
    } else steps(now + SLICE, rest > 0 ? rest : Infinity);
    if (performance.now() > told + EVERY) tell();
    if (run.step < run.steps) next.port2.postMessage(mine);
    else commands.pause();
  }

  // Begin in a new engine, since the one before may have ended. If `keep`, a refusal leaves the run before as it is.
  async function begin({ number: asked, files }, how, keep = false) {
    stop(), number = asked;
    const fresh = await nnzEngine(wasm);
    if (number !== asked) return;
    try {
      for (const [name, content] of Object.entries(files)) fresh.putFile(name, content);
      run = how(fresh), engine = fresh;
    } catch (error) {
      if (!keep) throw error;
      send("refused", { message: error.message });
      return;
    }
    run.characters = [...run.tokenizer.characters];
    const notes = engine.notes();
    send("began", { run, notes });
    look();
  }

  const commands = {
    wasm: (message) => { wasm = message.bytes; },
    begin: (message) => begin(message, (fresh) => fresh.begin(message.words)),
    resume: (message) => begin(message, (fresh) => fresh.resume(message.name, message.more), true),
    stop(message) { stop(), number = message.number, engine = undefined; },
    run() { stop(), running = true, looked = told = performance.now(), slice(turn); },
    pause() { stop(), tell(), look(), send("paused"); },
    step() {
      stop(), steps(0, 1);
      const values = inside();
      tell(), send("inside", values), look();
    },
    lr: ({ value }) => engine.setLr(value),
    temperature: ({ value }) => { temperature = value; if (engine && !running) look(); },
    typed: ({ text }) => { typed = text; if (engine) send("answer", answer()); },
    save: () => send("checkpoint", { bytes: engine.checkpoint(), step: run.step }),
    async prove({ files, words, count: most }) {
      engine = await nnzEngine(wasm);
      for (const [name, content] of Object.entries(files)) engine.putFile(name, content);
      engine.begin(words);
      for (let done = 1; done <= most; done++) {
        engine.step();
        if (done % 10 === 0) send("proving", { done });
      }
      send("proved", { hash: engine.hash() });
    },
  };
  next.port1.onmessage = ({ data }) => attempt(() => slice(data));
  async function attempt(work) {
    try { await work(); } catch (error) {
      stop(), engine = undefined;
      send("failed", { message: error.message });
    }
  }
  onmessage = ({ data }) => {  // what was sent before the page heard that its run has failed is too late
    if (engine || !NEED_RUN.includes(data.do)) attempt(() => commands[data.do](data));
  };
}
