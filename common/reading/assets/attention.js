// The walk through the GPT: type a text, choose a position of it, and step through the blocks to what comes next.
(() => {
  const { byId, percent } = walk, typed = byId("typed"), temperature = byId("temperature");
  const { characters, config, scale, parameters } = JSON.parse(byId("data").textContent);
  const weights = Object.fromEntries(Object.entries(parameters).map(([name, { shape, data }]) => [name, { shape, data: data.map((x) => x / scale) }]));
  const END = characters.indexOf("·"), V = characters.length, LONGEST = config.context_length - 1;
  const shown = (id) => (id === END ? "the end" : characters[id]);
  let ids = [], row = 0, tensors = {};

  const STAGES = gptStages(config.n_layer);
  const windows = walk.windows(chooseRow), drawStage = walk.stepper(STAGES, (stage) => stage.shows.flatMap(picture));

  // Every token of the text, after the end of another name; what is no token is left out, and said.
  function read() {
    const letters = [...typed.value.toLowerCase()], known = (c) => c !== "·" && characters.includes(c);
    const unknown = [...new Set(letters.filter((c) => !known(c)))].map((c) => `“${c}”`);
    ids = [END, ...letters.filter(known).slice(0, LONGEST).map((c) => characters.indexOf(c))];
    byId("note").textContent = ids.length > LONGEST ? `The context is full: it holds ${config.context_length} characters.`
      : unknown.length ? `${unknown.join(", ")} ${unknown.length > 1 ? "are" : "is"} not in the vocabulary, which is a to z: left out.` : "";
    tensors = { ...weights, ...gpt.run(weights, ids, config) };
    byId("draw").disabled = ids.length > LONGEST || typed.value.length >= typed.maxLength;
    windows.fill(ids.map((id, t) => [`position ${t}, ${shown(id)}`, characters[id]]));
    chooseRow(ids.length - 1);
  }

  function chooseRow(chosen) {
    row = chosen;
    draw();
  }

  function draw() {
    const rows = ids.map((_, t) => gpt.softmax(tensors.logits.data.slice(t * V, t * V + V), Number(temperature.value)));
    tensors.probs = { shape: [ids.length, V], data: rows.flat() };
    const probs = rows[row], [best, second] = probs.map((_, id) => id).sort((a, b) => probs[b] - probs[a]);
    byId("degrees").textContent = Number(temperature.value).toFixed(1);
    byId("guess").textContent = `After ${ids.slice(0, row + 1).map((id) => characters[id]).join("")} comes ${shown(best)} with ${percent(probs[best])}, or ${shown(second)} with ${percent(probs[second])}.`;
    walk.bars(probs, characters, best);
    windows.mark(row);
    drawStage();
  }

  function next() {  // draws a letter by its probability, after the whole text
    chooseRow(ids.length - 1);
    const drawn = tensors.probs.data.slice(-V);
    let rest = Math.random();
    const id = drawn.findIndex((p) => (rest -= p) < 0);
    if (id === END || id < 0) byId("guess").textContent = `The model drew the end. Its name: ${typed.value || "no letter at all"}.`;
    else {
      typed.value += characters[id];
      read();
    }
  }

  function picture(name) {
    const positions = ids.map((id) => characters[id]), tensor = tensors[name];
    if (name.endsWith(".probs")) {
      const [H, T] = tensor.shape, [, layer] = name.split("."), n = T * T;
      return [...Array(H).keys()].map((h) => heatmap(`block ${Number(layer) + 1}, head ${h + 1}`,
        { shape: [T, T], data: tensor.data.slice(h * n, h * n + n) }, { rows: positions, columns: positions, chosen: row }));
    }
    const ofCharacters = ["wte.weight", "head.weight"].includes(name), columns = ["logits", "probs"].includes(name) ? characters : [];
    const rows = ofCharacters ? characters : name === "wpe.weight" ? tensor.data.slice(0, config.context_length).map((_, t) => `${t}`) : positions;
    const chosen = ofCharacters ? (name === "wte.weight" ? ids[row] : -1) : row;
    return [heatmap(name, tensor, { rows, columns, chosen, group: name.endsWith("qkv") ? config.n_embd : 0 })];
  }

  typed.addEventListener("input", read);
  temperature.addEventListener("input", draw);
  byId("draw").addEventListener("click", next);
  byId("example").hidden = false;
  read();
})();
