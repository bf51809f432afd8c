// What the page "train" draws while a model learns: the loss, what it writes, its embeddings, and what it expects next.
const views = (() => {
  const { byId, make, percent } = walk;
  const LABELLED = 24;  // positions at most, of a head
  const SHOWN = { " ": "␣", "\t": "⇥", "\u00a0": "␣" };
  const shown = (character, list) => (character === "\n" ? (list ? "·" : "⏎") : SHOWN[character] ?? character);

  // Two curves over the logarithm of the step, each of at most MOST points: when there are more, two of them become one.
  function curve() {
    const MOST = 240, lines = { train: [], val: [] };
    const halved = (points) => points.flatMap((p, i) => (i % 2 ? [{ step: p.step, loss: (p.loss + points[i - 1].loss) / 2 }] : i === points.length - 1 ? [p] : []));
    function draw() {
      const all = [...lines.train, ...lines.val];
      if (!all.length) {
        byId("curve").replaceChildren();
        byId("curve").setAttribute("aria-label", "The loss: nothing is trained yet");
        return;
      }
      const last = Math.max(...all.map((p) => p.step), 1), losses = all.map((p) => p.loss), high = Math.max(...losses), low = Math.min(...losses);
      const across = (step) => Math.log1p(step) / Math.log1p(last);
      const path = (points) => points.map((p, i) => `${i ? "L" : "M"}${(1000 * across(p.step)).toFixed(1)} ${(1000 * (high - p.loss) / (high - low || 1)).toFixed(1)}`).join("");
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("viewBox", "0 0 1000 1000");
      svg.setAttribute("preserveAspectRatio", "none");
      for (const [name, points] of Object.entries(lines)) {
        const line = document.createElementNS(svg.namespaceURI, "path");
        line.setAttribute("d", path(points));
        line.setAttribute("class", `of-${name}`);
        svg.append(line);
      }
      const key = make("span", { className: "key" }, make("b", { className: "c" }, "— train"), make("b", { className: "torch" }, "┄ unseen"));
      const label = (style, text) => make("span", { className: style }, text);
      const powers = [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6].filter((step) => step === 0 || (across(step) > 0.12 && across(step) < 0.75));
      const ticks = [...powers, last].map((step) => {
        const tick = label(step === 0 ? "at first" : step === last ? "at last" : "at", step === last ? `step ${step.toLocaleString("en")}` : step.toLocaleString("en"));
        tick.style.left = `calc(2.4rem + (100% - 2.4rem) * ${across(step).toFixed(4)})`;
        return tick;
      });
      byId("curve").replaceChildren(svg, key, label("high", high.toFixed(2)), label("low", low.toFixed(2)), ...ticks);
      byId("curve").setAttribute("aria-label", `The loss: ${all[0].loss.toFixed(2)} at first, ${(lines.train.at(-1) ?? all.at(-1)).loss.toFixed(2)} at step ${last}`);
    }
    return {
      add(name, step, loss) {
        lines[name].push({ step, loss });
        if (lines[name].length > MOST) lines[name] = [...lines[name].slice(0, 40), ...halved(lines[name].slice(40))];  // the first ones have most of the picture
      },
      clear: () => { lines.train = [], lines.val = []; draw(); },
      draw,
    };
  }

  // What it writes now, and one sample of each time since which the steps have doubled.
  function samples() {
    let next = 0, known = new Set();
    return {
      clear(lines, list) {
        next = 0, known = new Set(lines);
        byId("samples").replaceChildren();
        byId("history").replaceChildren();
        byId("samples").parentElement.classList.toggle("text", !list);
      },
      draw(step, text, list) {
        const lines = list ? text.split("\n").slice(0, -1) : [text];
        byId("samples").replaceChildren(...lines.map((line) => make("li", { className: known.has(line) ? "known" : "", title: known.has(line) ? "it is in the text" : "" }, line || " ")));
        if (step < next || byId("history").children.length > 13) return;
        next = Math.max(1, 2 * step);
        const one = (lines.find((line) => line.length > 1) ?? lines[0] ?? "").replaceAll("\n", "⏎").slice(0, 60);
        byId("history").append(make("tr", {}, make("td", { className: "n" }, step.toLocaleString("en")), make("td", {}, one || "–")));
      },
    };
  }

  // The rows of wte (V,E) along their two principal axes, which are kept, so that letters drift and do not jump.
  function map() {
    const VOWELS = /^[aeiouyäöüáéíóúàèâêîôûAEIOUYÄÖÜ]$/, box = byId("map");
    let axes = null, letters = [];
    const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    const unit = (a) => { const n = Math.sqrt(dot(a, a)) || 1; return a.map((x) => x / n); };
    return {
      clear(labels) {
        axes = null;
        letters = labels.map((c) => make("i", { className: VOWELS.test(c) ? "vowel" : /\p{L}/u.test(c) ? "" : "other", title: c }, c));
        box.replaceChildren(...letters);
      },
      draw({ E, data }) {
        const V = data.length / E, rows = [...Array(V).keys()].map((v) => data.slice(v * E, v * E + E));
        const mean = rows[0].map((_, e) => rows.reduce((sum, row) => sum + row[e], 0) / V);
        const centred = rows.map((row) => row.map((x, e) => x - mean[e]));
        const times = (axis) => centred.reduce((sum, row) => { const p = dot(row, axis); return sum.map((x, e) => x + p * row[e]); }, axis.map(() => 0));
        axes ??= [0, 1].map((k) => unit(mean.map((_, e) => Math.cos((k + 1) * (e + 1)))));
        for (let turn = 0; turn < 12; turn++) {  // the power method, with the second axis at a right angle to the first
          const first = unit(times(axes[0])), second = times(axes[1]), along = dot(second, first);
          axes = [first, unit(second.map((x, e) => x - along * first[e]))];
        }
        const places = centred.map((row) => axes.map((axis) => dot(row, axis)));
        const most = [0, 1].map((k) => Math.max(...places.map((p) => Math.abs(p[k])), 1e-9));
        places.forEach((p, v) => {
          letters[v].style.left = `${50 + 50 * p[0] / most[0]}%`;
          letters[v].style.top = `${50 + 50 * p[1] / most[1]}%`;
        });
        box.setAttribute("aria-label", `The embeddings of ${V} characters along their two principal axes`);
      },
    };
  }

  // What one head looks at: an image of n x n pixels, since so many elements would be slow; labelled if there is a place.
  function head({ title, data }, labels) {
    const n = labels.length, last = data.slice(-n), most = last.indexOf(Math.max(...last));
    const canvas = make("canvas", { width: n, height: n }), grid = make("div", { className: "grid" });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${title}, ${n} by ${n}: the last position looks at ${labels[most]} with ${percent(last[most])}`);
    grid.style.setProperty("--columns", n);
    if (n <= LABELLED) grid.append(make("span", { className: "row" }), ...labels.map((label) => make("span", { className: "column-label" }, label)),
      ...labels.map((label, r) => make("span", { className: r === n - 1 ? "row chosen" : "row" }, label)));
    grid.append(canvas);
    return make("figure", { className: `heat labelled ${n > LABELLED ? "large" : ""}` }, make("figcaption", {}, make("b", {}, title)), grid);
  }
  function paint(canvas, data) {
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = getComputedStyle(canvas).color;
    context.fillRect(0, 0, canvas.width, canvas.height);
    const image = context.getImageData(0, 0, canvas.width, canvas.height);
    data.forEach((p, i) => { image.data[4 * i + 3] = 255 * p; });
    context.putImageData(image, 0, 0);
  }

  // The probabilities after the typed text, the likeliest first where there are many, and what each head looks at.
  function next(typed, { probs, seen, heads, unknown }, labels, temperature) {
    const order = probs.map((_, id) => id).sort((a, b) => probs[b] - probs[a]), many = probs.length > 40;
    const ids = many ? order.slice(0, 40) : probs.map((_, id) => id), [a, b] = order;
    walk.bars(ids.map((id) => probs[id]), ids.map((id) => labels[id]), ids.indexOf(a));
    const left = [...new Set(unknown)].slice(0, 5).map((c) => `“${c}”`).join(", ");
    byId("guess").textContent = `${typed ? `After “${typed}”` : "At first"} comes ${labels[a]} with ${percent(probs[a])}`
      + `${b === undefined ? "" : `, or ${labels[b]} with ${percent(probs[b])}`}, at temperature ${temperature.toFixed(1)}.${left ? ` Left out, since the text does not have it: ${left}.` : ""}`;
    byId("attention").replaceChildren(...heads.map((one) => head(one, seen.map((id) => labels[id]))));
    byId("attention").querySelectorAll("canvas").forEach((canvas, i) => paint(canvas, heads[i].data));
  }

  return { curve, samples, map, next, shown };
})();
