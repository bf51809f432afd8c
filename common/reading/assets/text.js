// The text that is learned: one that comes with the page, one that was pasted, or a file; and the words of the command line.
const trainText = (() => {
  const { byId } = walk;
  const MOST = 2e7, PASTED = 2e5;  // characters: that are taken, and that a text area holds without becoming slow
  const data = JSON.parse(byId("data").textContent);
  const TYPED = "my-text.txt";  // what a text that is no file's is called
  let name = TYPED, held = null;  // held: a text that is too long for the text area

  const own = () => held ?? byId("text").value;
  // A name that is short enough for a file in the worker's memory.
  function short(name) {
    const { read } = new TextEncoder().encodeInto(name, new Uint8Array(48));
    return read < name.length ? `${name.slice(0, read)}….txt` : name;
  }
  const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
  // Short lines, and more than a few of them, are probably a list.
  const looksLikeList = (text) => {
    const lines = text.slice(0, 1e5).split("\n").filter((line) => line.trim());
    return lines.length > 3 && lines.reduce((n, line) => n + line.length, 0) / lines.length < 32;
  };

  function say() {
    const { length } = own();
    byId("held").textContent = length ? `${name}: ${count(length, "character")}` : "";
  }

  // The text in a file's bytes. Throws an Error if it is not UTF-8.
  function decoded(file, bytes) {
    try { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch {
      throw new Error(`${file} is not UTF-8: convert it to UTF-8 first`);
    }
  }

  // Take a text as the user's own. Throws an Error that says what is wrong with it.
  function take(from, content) {
    if (content.length > MOST) throw new Error(`${from} has ${count(content.length, "character")}; this page takes at most ${count(MOST, "character")}`);
    name = from, held = content.length > PASTED ? content : null;
    byId("text").value = held !== null ? `${content.slice(0, 2000)} …` : content;
    byId("text").readOnly = held !== null;
    byId("dataset").value = "own";
    byId("list").checked = looksLikeList(content);
    show();
  }

  function show() {
    byId("own").hidden = byId("dataset").value !== "own";
    say();
  }

  // The files of the chosen text, its name among them, the path that a command line takes, and whether it is a list.
  function chosen() {
    const built = data.texts[byId("dataset").value];
    if (built) return { files: built.files, name: built.name, path: built.name, list: built.list, before: built.before ? `${built.before}\n` : "" };
    const content = own(), key = short(name);
    if (!content.trim()) throw new Error("there is no text yet: paste one, or choose one that is there");
    return { files: { [key]: content }, name: key, path: `./${name}`, list: byId("list").checked, before: "" };
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
  const command = (path, { model, set }, more) =>
    ["nnz", "train", model === "gpt" ? "gpt-cpu" : "names", ...(path === "names" ? [] : ["--data", path]), "--backend", "c", ...pairs({ ...set, ...more })]
      .map(quoted).join(" ").replaceAll(" --set", " \\\n  --set");

  byId("dataset").addEventListener("change", show);
  byId("text").addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (text.length <= PASTED && !held) return;
    event.preventDefault();
    try {
      take(TYPED, text);
      byId("text").dispatchEvent(new Event("change", { bubbles: true }));  // as if it had been typed
    } catch (error) { byId("held").textContent = error.message; }
  });
  byId("text").addEventListener("input", () => {
    name = TYPED;
    byId("list").checked = looksLikeList(byId("text").value);
    say();
  });
  return { data, chosen, settings, words, command, take, decoded, show };
})();
