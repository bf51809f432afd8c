// The text that is learned: one that comes with the page, one that was pasted, or a file; and the words of the command line.
const trainText = (() => {
  const { byId } = walk;
  const MOST = 2e7, PASTED = 2e5;  // characters: that are taken, and that a text area holds without becoming slow
  const data = JSON.parse(byId("data").textContent);
  let held = null;  // a text that is too long for the text area: { name, content }

  const own = () => (held ?? { name: "my-text.txt", content: byId("text").value });
  const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
  // Short lines, and more than a few of them, are probably a list.
  const looksLikeList = (text) => {
    const lines = text.slice(0, 1e5).split("\n").filter((line) => line.trim());
    return lines.length > 3 && lines.reduce((n, line) => n + line.length, 0) / lines.length < 32;
  };

  function say() {
    const { name, content } = own();
    byId("held").textContent = held ? `${name}: ${count(content.length, "character")}` : content ? count(content.length, "character") : "";
  }

  // Take a text as the user's own. Throws an Error that says what is wrong with it.
  function take(name, content) {
    if (content.length > MOST) throw new Error(`${name} has ${count(content.length, "character")}; this page takes at most ${count(MOST, "character")}`);
    held = content.length > PASTED ? { name, content } : null;
    byId("text").value = held ? `${content.slice(0, 2000)} …` : content;
    byId("text").readOnly = held !== null;
    byId("dataset").value = "own";
    byId("list").checked = looksLikeList(content);
    show();
  }

  function show() {
    byId("own").hidden = byId("dataset").value !== "own";
    say();
  }

  // The files of the chosen text, what a command line calls it, and whether it is a list.
  function chosen() {
    const built = data.texts[byId("dataset").value];
    if (built) return { files: built.files, name: built.name, list: built.list, before: built.before ? `${built.before}\n` : "" };
    const { name, content } = own();
    if (!content.trim()) throw new Error("there is no text yet: paste one, or choose one that is there");
    return { files: { [name]: content }, name, list: byId("list").checked, before: "" };
  }

  // What a command line sets for these choices.
  function settings(list) {
    const model = document.querySelector("input[name=model]:checked").value, gpt = model === "gpt";
    const set = list ? { "data.kind": "list", "data.split": "lines" } : { "data.kind": "text", "data.split": "position" };
    if (gpt && list) Object.assign(set, { "data.windows": "documents", "train.evaluation": "all", "sample.tokens": 0 });
    if (gpt) set["optimizer.warmup"] = 0;
    for (const select of document.querySelectorAll("select[data-setting]")) {
      const of = select.closest("label").dataset.of;
      if (of === model || of === "both") set[select.dataset.setting] = select.value;
    }
    if (set["model.precision"] === "float32") delete set["model.precision"];
    else set["model.precision"] = "strict";
    return { model, set: { ...set, "train.order": "random", "optimizer.schedule": "constant", "optimizer.weight_decay": 0.1, "train.seed": byId("seed").value } };
  }

  // As build/mlp takes them, and as nnz train does; `more` are settings that come last.
  const pairs = (set) => Object.entries(set).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const words = (name, { model, set }, more) => ["--data", name, "--model", model, ...pairs({ ...set, ...more })];
  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);
  const command = (name, { model, set }, more) =>
    ["nnz", "train", model === "gpt" ? "gpt-cpu" : "names", ...(name === "names" ? [] : ["--data", name]), "--backend", "c", ...pairs({ ...set, ...more })]
      .map(quoted).join(" ").replaceAll(" --set", " \\\n  --set");

  byId("dataset").addEventListener("change", show);
  byId("text").addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (text.length <= PASTED && !held) return;
    event.preventDefault();
    try {
      take("my-text.txt", text);
      byId("text").dispatchEvent(new Event("change", { bubbles: true }));  // as if it had been typed
    } catch (error) { byId("held").textContent = error.message; }
  });
  byId("text").addEventListener("input", () => {
    byId("list").checked = looksLikeList(byId("text").value);
    say();
  });
  return { data, chosen, settings, words, command, take, show };
})();
