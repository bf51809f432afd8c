// One step of the run, tensor by tensor: the walks of the worked example and of the attention, through the model that learns.
const inside = (() => {
  const { byId, make, percent } = walk;
  const MOST_ROWS = 48, MOST_COLUMNS = innerWidth < 700 ? 32 : 64;  // of a heat map
  const BATCH = "Each row is a window of the batch: what the model sees, and the character that comes next. Below are all tensors of this step: forward to the probabilities, and the gradients back.";
  const UPDATE = "AdamW moves every weight against a running mean of its gradient. Where the gradients agree, it moves by about the learning rate, whether they are large or small.";
  let run, values, row = 0, drawStage, walked = "";

  const gpt = () => run.L > 0;
  const shown = (id) => run.labels[id];
  const context = (r) => values.inputs.slice(r * run.T, r * run.T + run.T).map(shown).join("");
  const stages = () => {
    const back = (title, ...shows) => ({ title, op: "cross_entropy", back: true, about: "The gradient of each logit is its probability, minus 1 for the right character. It goes back through the blocks to every weight.", shows });
    const update = (...names) => ({ title: "the update", op: "adamw", back: true, about: UPDATE, shows: names.flatMap((name) => [`d${name}`, name]) });
    return gpt() ? [...gptStages(run.L), back("back", "dlogits", "dhead.weight", "dwte.weight"), update("wte.weight", "head.weight")]
      : [{ ...STAGES[0], about: BATCH }, ...STAGES.slice(1).filter((stage) => !stage.step), update("wte", "fc2.weight")];
  };

  // The rows of a batch of the MLP, or the positions of the first sequence of a GPT's.
  function rows() {
    const length = gpt() ? values.inputs.length : values.targets.length;
    const text = (r) => (gpt() ? values.inputs.slice(0, r + 1).map(shown).slice(-6).join("") : context(r));
    return [...Array(length).keys()].map((r) => [`${text(r)}, then ${shown(values.targets[r])}`, make("span", {}, text(r)), " → ", make("b", {}, shown(values.targets[r]))]);
  }

  function cropped({ shape, data }) {
    const height = shape.length > 1 ? shape[0] : 1, width = data.length / height;
    const h = Math.min(height, MOST_ROWS), w = Math.min(width, MOST_COLUMNS);
    const kept = [...Array(h).keys()].flatMap((r) => [...data.slice(r * width, r * width + w)]);
    return { tensor: { shape: shape.length > 1 ? [h, w] : [w], data: kept }, whole: shape, less: h < height || w < width };
  }

  function heat(name, tensor, labels) {
    const { tensor: part, whole, less } = cropped(tensor), figure = heatmap(name, part, labels);
    figure.querySelector(".shape").textContent = `(${whole.join(", ")})${less ? `, the first ${part.shape.join(" × ")}` : ""}`;
    return figure;
  }

  function picture(name) {
    if (name === "loss") return [make("p", { className: "loss" }, make("b", {}, "loss of this row "), (-Math.log(values.tensors.probs.data[row * run.V + values.targets[row]])).toFixed(4))];
    const tensor = values.tensors[name];
    if (!tensor) return [];
    const positions = gpt() ? values.inputs.map(shown) : rows().map((_, r) => context(r)), T = positions.length;
    if (gpt() && name.endsWith(".probs")) {
      return [...Array(run.H).keys()].map((h) => heat(`block ${Number(name.split(".")[1]) + 1}, head ${h + 1}`,
        { shape: [T, T], data: tensor.data.slice(h * T * T, h * T * T + T * T) }, { rows: positions, columns: positions, chosen: row }));
    }
    const characters = run.labels.slice(0, MOST_ROWS), bare = name.replace(/^d/, "");
    const ofCharacters = ["wte", "wte.weight", "fc2.weight", "head.weight"].includes(bare), ofParameters = run.tensors.some((t) => t.name === bare);
    const columns = ["logits", "probs", "dlogits"].includes(name) ? run.labels.slice(0, MOST_COLUMNS) : [];
    const labels = ofCharacters ? { rows: characters } : ofParameters ? {} : { rows: positions, chosen: row, columns };
    return [heat(name, tensor, { ...labels, group: name.endsWith("emb") ? run.E : name.endsWith("qkv") ? run.E : 0 })];
  }

  function choose(chosen) {
    row = chosen;
    windows.mark(row);
    drawStage();
    const { data } = values.tensors.probs, p = data[row * run.V + values.targets[row]];
    byId("row").textContent = `The model gave ${shown(values.targets[row])}, which came, ${percent(p)}.`;
  }
  const windows = walk.windows(choose);

  return {
    draw(now, found) {
      run = now, values = found;
      const kind = `${run.L} ${run.V}`;
      if (kind !== walked) {
        walked = kind, row = 0;
        drawStage = walk.stepper(stages(), (stage) => stage.shows.flatMap(picture));
      }
      windows.fill(rows());
      choose(Math.min(row, rows().length - 1));
    },
  };
})();
