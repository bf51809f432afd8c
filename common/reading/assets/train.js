// The page "train": what its buttons do, and what it does with what the worker sends.
(() => {
  const { byId } = walk;
  const { chosen, settings, words, command, take, decoded, show } = trainText;
  const STEPS = 1e6;  // so many at most: one reloads before
  const worker = training.start();
  const curve = views.curve(), samples = views.samples(), map = views.map();
  let state = "none", run = null, source = null, rate = 0, changed = false, waiting = null, answered = null;
  let before = null;  // what comes back when a checkpoint is refused
  let number = 0;  // of the run that was asked for last: what the worker says of an earlier one comes too late
  const ask = (what, values = {}) => worker.send(what, { number: ++number, ...values });

  const lr = () => 10 ** Number(byId("lr").value), temperature = () => Number(byId("temperature").value);
  const say = (text, wrong = false) => {
    byId("said").textContent = text && `${text[0].toUpperCase()}${text.slice(1)}${wrong ? "." : ""}`;
    byId("said").classList.toggle("wrong", wrong);
  };
  const shownRate = (value) => (value < 1e-3 ? value.toExponential(1) : value.toPrecision(2));
  const dials = () => {
    byId("lr-now").textContent = shownRate(lr());
    byId("temperature-now").textContent = temperature().toFixed(1);
  };
  function enter(next) {
    state = next;
    byId("start").textContent = state === "running" ? "Pause" : run && run.step > 0 && state === "paused" ? "Go on" : "Start";
    byId("save").disabled = state !== "paused" && state !== "running";
    document.body.dataset.training = state;
  }

  // Begin the run that the settings say; then do what waits for it.
  function begin(then, more = {}) {
    try {
      const text = chosen(), asked = settings(text.list), rated = Number(lr().toPrecision(3));
      Object.assign(asked.set, { "optimizer.lr": rated, ...more });
      source = { ...text, asked }, rate = rated, changed = false, waiting = then;
      say("");
      enter("beginning");
      ask("begin", { files: text.files, words: words(text.name, asked, { "train.steps": STEPS }) });
    } catch (error) {
      ask("stop");
      enter("none");
      say(error.message, true);
    }
  }

  function same() {
    byId("same-about").textContent = changed ? "The learning rate was changed on the way, so no single command does the same."
      : run && source.asked ? `These are the first ${run.step.toLocaleString("en")} steps, with the same batches and first weights.${source.asked.set["model.precision"] === "strict" ? " The bits are the same too." : " In float32 the last digits may differ; in strict float32 they are the same."}` : "";
    byId("same").textContent = changed || !source?.asked ? "" : `${source.before}${command(source.path, source.asked, { "train.steps": Math.max(1, run?.step ?? 1) })}`;
  }

  const on = {
    began({ run: began, notes }) {
      run = { ...began, labels: began.characters.map((c) => views.shown(c, began.end >= 0)) };
      const lines = source.list ? Object.values(source.files).flatMap((text) => (typeof text === "string" ? text.split("\n") : [])) : [];
      samples.clear(lines.map((line) => line.trim()), run.end >= 0);
      map.clear(run.labels.slice(0, 200));
      curve.clear();
      byId("parameters").textContent = run.n.toLocaleString("en");
      byId("step").textContent = run.step.toLocaleString("en");
      byId("loss").textContent = byId("pace").textContent = "–";
      say(notes.trim().split("\n").filter((line) => !line.includes("schedule")).join(". "));
      enter("paused");
      worker.send("temperature", { value: temperature() });
      worker.send("typed", { text: byId("typed").value });
      const then = waiting;
      waiting = null;
      then?.();
    },
    losses({ step, loss, pace, count }) {
      run.step = step;
      if (count > 1 || step < 100) curve.add("train", step, loss);  // one batch alone is noise
      byId("step").textContent = step.toLocaleString("en");
      byId("loss").textContent = loss.toFixed(3);
      byId("pace").textContent = pace.toFixed(pace < 10 ? 2 : 0);
      redraw();
    },
    look(seen) {
      byId("val").textContent = seen.val.toFixed(3);
      curve.add("val", seen.step, seen.val);
      samples.draw(seen.step, seen.samples, run.end >= 0);
      map.draw(seen.map);
      on.answer(seen);
      redraw();
      same();
    },
    answer(answer) {
      answered = answer;
      views.next(byId("typed").value, answered, run.labels, temperature());
    },
    inside: (values) => inside.draw(run, values),
    paused: () => enter("paused"),
    checkpoint({ bytes, step }) {
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([bytes])), download: `nnz-${step}.safetensors` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1e4);
      say(`Saved. In a terminal: nnz sample ${link.download}`);
    },
    refused({ message }) {
      ({ source, changed } = before);
      if (before.state === "running") go(); else enter(before.state === "paused" ? "paused" : "none");
      say(message, true);
    },
    failed({ message }) {
      const fractions = /add --set 'data\.fractions=(\[[\d.,]+\])'/.exec(message)?.[1];
      if (fractions && state === "beginning") begin(waiting, { "data.fractions": fractions });  // a short list: more of it is kept unseen
      else {
        enter("none");
        say(message, true);
      }
    },
  };
  worker.listen((message) => message.number === number && on[message.event]?.(message));

  let drawing = false;  // at most once a frame, and not while nobody looks
  function redraw() {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => { drawing = false; curve.draw(); });
  }

  const go = () => { enter("running"); worker.send("run"); };
  const one = () => {
    const take = () => { enter("paused"); worker.send("step"); };
    byId("inside").hidden = false;
    if (state === "none") begin(take);
    else if (state === "beginning") waiting = take;
    else take();
  };
  byId("start").addEventListener("click", () => {
    if (state === "running") worker.send("pause");
    else if (state === "paused") go();
    else if (state === "beginning") waiting = go;
    else begin(go);
  });
  byId("one").addEventListener("click", one);
  byId("another").addEventListener("click", one);
  byId("reset").addEventListener("click", () => begin());
  byId("reseed").addEventListener("click", () => {
    byId("seed").value = 1 + Math.floor(Math.random() * 999999);
    begin(state === "running" ? go : undefined);
  });
  byId("save").addEventListener("click", () => worker.send("save"));
  byId("lr").addEventListener("input", () => {
    dials();
    if (!run || state === "none") return;
    changed ||= run.step > 0 && Number(lr().toPrecision(3)) !== rate;
    if (run.step === 0 && source.asked) Object.assign(source.asked.set, { "optimizer.lr": (rate = Number(lr().toPrecision(3))) });
    worker.send("lr", { value: Number(lr().toPrecision(3)) });
    same();
  });
  byId("temperature").addEventListener("input", () => { dials(); worker.send("temperature", { value: temperature() }); });
  byId("typed").addEventListener("input", () => { if (run && state !== "none") worker.send("typed", { text: byId("typed").value }); });

  // Other sizes or another text are another run.
  byId("settings").addEventListener("change", (event) => {
    if (event.target.id === "open") return;
    sizes();
    begin();
  });
  function sizes() {
    const model = document.querySelector("input[name=model]:checked").value;
    document.querySelectorAll("[data-of]").forEach((label) => { label.hidden = !["both", model].includes(label.dataset.of); });
    byId("chosen").textContent = `${byId("dataset").selectedOptions[0].textContent}, ${model === "gpt" ? "GPT" : "MLP"}`;
  }

  async function open(file) {
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      if (!file.name.endsWith(".safetensors")) {
        take(file.name, decoded(file.name, bytes));
        begin();
        return;
      }
      const text = chosen();
      before = { state, source, changed };
      source = { ...text, asked: null }, changed = false, waiting = null;
      enter("beginning");
      ask("resume", { files: { ...text.files, "checkpoint.safetensors": bytes }, name: text.name, more: STEPS });
    } catch (error) {
      say(error.message, true);
    }
  }
  byId("open").addEventListener("change", (event) => {
    if (event.target.files[0]) open(event.target.files[0]);
    event.target.value = "";
  });
  addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
  });

  const wide = matchMedia("(min-width: 1001px)"), fold = () => { byId("folded").open = wide.matches; };  // on a phone the run comes first
  wide.addEventListener("change", fold);
  fold();
  byId("train").hidden = false;
  show();
  sizes();
  dials();
  begin();
})();
