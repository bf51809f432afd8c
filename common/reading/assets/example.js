// The worked example: type a name, whose windows are the batch, choose a row of it, step through the model, and look at every tensor on the way.
(() => {
  const { byId, make, percent } = walk;
  const data = JSON.parse(byId("data").textContent);
  const state = { row: 0 }, END = data.characters.indexOf("·");
  let batch = { inputs: [], targets: [] };
  let tensors = {}, after = {};

  const shown = (id) => data.characters[id];
  const label = (row) => batch.inputs[row].map(shown).join("");
  const V = data.characters.length;
  const windows = walk.windows(chooseRow), drawStage = walk.stepper(STAGES, pictures);

  function compute() {
    const { inputs, targets } = batch;
    tensors = { ...data.parameters, ...nnz.run(data.parameters, inputs, targets) };
    const lr = STAGES.find((stage) => stage.step).step;
    after = nnz.run(nnz.stepped(data.parameters, tensors, lr), inputs, targets);
  }

  // Every window of a name: T characters, and the one after them. What the model does not know is left out, and said.
  function read() {
    const letters = [...byId("name").value.toLowerCase()], known = (c) => c !== "·" && data.characters.includes(c);
    const tape = [...Array(data.T).fill(END), ...letters.filter(known).map((c) => data.characters.indexOf(c)), END];
    const unknown = [...new Set(letters.filter((c) => !known(c)))].map((c) => `“${c}”`);
    byId("note").textContent = unknown.length ? `${unknown.join(", ")} ${unknown.length > 1 ? "are" : "is"} not in the vocabulary, which is a to z: left out.` : "";
    const targets = tape.slice(data.T);
    batch = { inputs: targets.map((_, row) => tape.slice(row, row + data.T)), targets };
    state.row = Math.min(state.row, targets.length - 1);
    compute();
    windows.fill(batch.targets.map((target, row) => [
      `after ${label(row).replaceAll("·", "dot ")}, ${shown(target).replace("·", "the end")}`,
      make("span", {}, label(row)), " → ", make("b", {}, shown(target))]));
    draw();
  }

  function chooseRow(row) {
    state.row = row;
    draw();
  }

  function draw() {
    windows.mark(state.row);
    drawGuess();
    drawStage();
  }

  function drawGuess() {
    const target = batch.targets[state.row], probs = [...tensors.probs.data].slice(state.row * V, state.row * V + V);
    const best = probs.indexOf(Math.max(...probs));
    byId("guess").textContent = `After ${label(state.row)} the model's best guess is ${shown(best)}, with ${percent(probs[best])}. `
      + `The next letter is ${shown(target)}; the model gave it ${percent(probs[target])}. Loss of the batch: ${tensors.loss.data[0].toFixed(3)} nats.`;
    walk.bars(probs, data.characters, target);
  }

  function pictures(stage) {
    const parts = stage.shows.map((name) => name === "loss" ? make("p", { className: "loss" }, make("b", {}, "loss "), tensors.loss.data[0].toFixed(6)) : picture(name));
    if (stage === STAGES[0]) parts.unshift(table(["window", "ids", "next", "id"], batch.targets.map((target, row) =>
      [label(row), batch.inputs[row].join(", "), shown(target), target])));
    if (stage.step) parts.push(table(["window", "next", "before", "after"], batch.targets.map((target, row) =>
      [label(row), shown(target), percent(tensors.probs.data[row * V + target]), percent(after.probs.data[row * V + target])]),
      `Loss ${tensors.loss.data[0].toFixed(4)} before, ${after.loss.data[0].toFixed(4)} after.`));
    return parts;
  }

  function picture(name) {
    const ofCharacters = ["wte", "dwte", "fc2.weight", "dfc2.weight"].includes(name);
    const ofRows = !ofCharacters && !name.includes(".");
    const rows = ofCharacters ? data.characters : ofRows ? batch.targets.map((_, row) => label(row)) : [];
    return heatmap(name, tensors[name], { rows, chosen: ofRows ? state.row : -1, group: name.endsWith("emb") ? data.E : 0 });
  }

  function table(heads, rows, text = "") {
    const head = make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)));
    const body = rows.map((row, number) => make("tr", { className: number === state.row ? "chosen" : "" }, ...row.map((value) => make("td", {}, `${value}`))));
    return make("div", {}, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)), make("p", {}, text));
  }

  byId("names").append(...data.names.map(({ name }) => make("option", { value: name })));
  byId("name").addEventListener("input", read);
  byId("example").hidden = false;
  read();
  chooseRow(Math.max(0, batch.targets.findIndex((_, row) => label(row) === "emm")));
})();
