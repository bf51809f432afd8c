// The worked example: choose a batch and a row of it, step through the model, and look at every tensor on the way.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const make = (tag, attributes = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.append(...children);
    return element;
  };
  const state = { name: 0, row: 0, stage: 0 };
  let tensors = {}, after = {};

  const shown = (id) => data.characters[id];
  const batch = () => data.names[state.name];
  const label = (row) => batch().inputs[row].map(shown).join("");
  const percent = (p) => `${(100 * p).toFixed(p < 0.1 ? 1 : 0)}%`;
  const V = data.characters.length;

  function compute() {
    const { inputs, targets } = batch();
    tensors = { ...data.parameters, ...nnz.run(data.parameters, inputs, targets) };
    const lr = STAGES.find((stage) => stage.step).step;
    after = nnz.run(nnz.stepped(data.parameters, tensors, lr), inputs, targets);
  }

  function chooseName(number) {
    state.name = number;
    state.row = Math.min(state.row, batch().targets.length - 1);
    compute();
    drawWindows();
    draw();
  }

  function drawWindows() {
    byId("windows").replaceChildren(...batch().targets.map((target, row) => {
      const button = make("button", { type: "button", className: "window" }, make("span", {}, label(row)), " → ", make("b", {}, shown(target)));
      button.setAttribute("role", "radio");
      button.setAttribute("aria-label", `after ${label(row).replaceAll("·", "dot ")}, ${shown(target).replace("·", "the end")}`);
      button.addEventListener("click", () => chooseRow(row));
      return button;
    }));
  }

  function chooseRow(row) {
    state.row = row;
    draw();
  }

  function draw() {
    [...byId("windows").children].forEach((button, row) => {
      button.setAttribute("aria-checked", row === state.row);
      button.tabIndex = row === state.row ? 0 : -1;
    });
    drawGuess();
    [...byId("stages").querySelectorAll("button")].forEach((button, number) => {
      if (number === state.stage) button.setAttribute("aria-current", "step"); else button.removeAttribute("aria-current");
    });
    byId("previous").disabled = state.stage === 0;
    byId("next").disabled = state.stage === STAGES.length - 1;
    drawStage(STAGES[state.stage]);
  }

  function drawGuess() {
    const target = batch().targets[state.row], probs = [...tensors.probs.data].slice(state.row * V, state.row * V + V);
    const best = probs.indexOf(Math.max(...probs)), most = Math.max(...probs);
    byId("guess").textContent = `After ${label(state.row)} the model's best guess is ${shown(best)}, with ${percent(probs[best])}. `
      + `The next letter is ${shown(target)}; the model gave it ${percent(probs[target])}. Loss of the batch: ${tensors.loss.data[0].toFixed(3)} nats.`;
    byId("bars").replaceChildren(...probs.map((p, id) => {
      const bar = make("span", { className: id === target ? "bar came" : "bar", title: `${shown(id)} ${percent(p)}` }, make("i"), make("small", {}, shown(id)));
      bar.style.setProperty("--p", p / most);
      return bar;
    }));
  }

  function drawStage(stage) {
    byId("title").textContent = `${state.stage + 1}. ${stage.title}`;
    const about = make("p", { innerHTML: stage.about });
    const parts = stage.shows.map((name) => name === "loss" ? make("p", { className: "loss" }, make("b", {}, "loss "), tensors.loss.data[0].toFixed(6)) : picture(name));
    if (state.stage === 0) parts.unshift(table(["window", "ids", "next", "id"], batch().targets.map((target, row) =>
      [label(row), batch().inputs[row].join(", "), shown(target), target])));
    if (stage.step) parts.push(table(["window", "next", "before", "after"], batch().targets.map((target, row) =>
      [label(row), shown(target), percent(tensors.probs.data[row * V + target]), percent(after.probs.data[row * V + target])]),
      `Loss ${tensors.loss.data[0].toFixed(4)} before, ${after.loss.data[0].toFixed(4)} after.`));
    const read = stage.op ? [make("p", { className: "small" }, make("a", { href: `operations.html#${stage.op}` }, `Read ${stage.op} in C, numpy and PyTorch`))] : [];
    byId("stage").replaceChildren(about, make("div", { className: "pictures" }, ...parts), ...read);
  }

  function picture(name) {
    const ofCharacters = ["wte", "dwte", "fc2.weight", "dfc2.weight"].includes(name);
    const ofRows = !ofCharacters && !name.includes(".");
    const rows = ofCharacters ? data.characters : ofRows ? batch().targets.map((_, row) => label(row)) : [];
    return heatmap(name, tensors[name], { rows, chosen: ofRows ? state.row : -1, group: name.endsWith("emb") ? data.E : 0 });
  }

  function table(heads, rows, text = "") {
    const head = make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)));
    const body = rows.map((row, number) => make("tr", { className: number === state.row ? "chosen" : "" }, ...row.map((value) => make("td", {}, `${value}`))));
    return make("div", {}, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)), make("p", {}, text));
  }

  const goTo = (stage) => { state.stage = Math.max(0, Math.min(STAGES.length - 1, stage)); draw(); };
  byId("stages").append(...STAGES.map((stage, number) => {
    const button = make("button", { type: "button", className: stage.back ? "back" : "" }, stage.title);
    button.addEventListener("click", () => goTo(number));
    return make("li", {}, button);
  }));
  byId("previous").addEventListener("click", () => goTo(state.stage - 1));
  byId("next").addEventListener("click", () => goTo(state.stage + 1));
  byId("stages").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    goTo(state.stage + by);
    byId("stages").querySelector("[aria-current]").focus();
  });
  byId("windows").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], n = batch().targets.length;
    if (!by) return;
    event.preventDefault();
    chooseRow((state.row + by + n) % n);
    byId("windows").children[state.row].focus();
  });
  byId("name").append(...data.names.map(({ name }, number) => make("option", { value: number }, name)));
  byId("name").addEventListener("change", (event) => chooseName(Number(event.target.value)));
  byId("example").hidden = false;
  state.row = Math.max(0, batch().targets.findIndex((_, row) => label(row) === "emm"));
  chooseName(0);
})();
