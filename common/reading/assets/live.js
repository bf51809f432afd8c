// The picture on the first page: type the start of a name, and the model of model.js says what comes next.
(() => {
  const byId = (id) => document.getElementById(id), typed = byId("typed");
  const { characters, parameters, T, E } = JSON.parse(byId("data").textContent);
  const END = characters.indexOf("·");
  const percent = (p) => `${(100 * p).toFixed(p < 0.1 ? 1 : 0)}%`;
  const shown = (id) => (id === END ? "the end" : characters[id]);
  let timer = 0;

  const bars = characters.map((character) => {
    const bar = Object.assign(document.createElement("span"), { className: "bar" });
    bar.append(document.createElement("i"), Object.assign(document.createElement("small"), { textContent: character }));
    return bar;
  });
  byId("bars").append(...bars);

  // The last T letters; before the first letter there is the end of another name.
  const context = () => [...Array(T).fill(END), ...[...typed.value].map((character) => characters.indexOf(character))].slice(-T);

  function draw() {
    const ids = context(), { emb, h, probs } = nnz.run(parameters, [ids], [0]), p = [...probs.data], most = Math.max(...p);
    const best = p.map((_, id) => id).sort((a, b) => p[b] - p[a]).slice(0, 3);
    bars.forEach((bar, id) => {
      bar.style.setProperty("--p", p[id] / most);
      bar.classList.toggle("best", id === best[0]);
      bar.title = `${shown(id)} ${percent(p[id])}`;
    });
    const [a, b, c] = best.map((id) => `${shown(id)} (${percent(p[id])})`);
    byId("said").textContent = `${typed.value ? `After “${typed.value}”` : "As the first letter"} the model expects ${a}, ${b} or ${c}.`;
    byId("tensors").replaceChildren(heatmap("emb", { shape: [T, E], data: emb.data }, { rows: ids.map((id) => characters[id]) }), heatmap("h", h));
    return p;
  }

  function finish() {  // draws one letter after the other, each by its probability
    let rest = Math.random();
    const id = draw().findIndex((p) => (rest -= p) < 0);
    if (id === END) byId("said").textContent = `The model drew the end. Its name: ${typed.value || "no letter at all"}.`;
    if (id < 0 || id === END || typed.value.length >= typed.maxLength) return;
    typed.value += characters[id];
    draw();
    timer = setTimeout(finish, 250);
  }

  function read() {
    clearTimeout(timer);
    const name = [...typed.value.toLowerCase().normalize("NFD")].filter((c) => c !== "·" && characters.includes(c)).join("");
    if (name !== typed.value) typed.value = name;
    draw();
  }

  typed.addEventListener("input", (event) => { if (!event.isComposing) read(); });  // an accent waits for its letter
  typed.addEventListener("compositionend", read);
  byId("finish").addEventListener("click", () => { clearTimeout(timer); finish(); });
  draw();
})();
