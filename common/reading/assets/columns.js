// Three columns of one function: light up what does the same, walk with the arrow keys, and on a narrow screen take turns.
(() => {
  const narrow = matchMedia("(max-width: 1100px)");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  const columnOf = (cell) => cell.closest(".column");
  const home = (element) => element.closest(".function") ?? element.closest(".columns");

  // A step and its counterparts.
  let lit = [];
  const unlight = () => { lit.forEach((element) => element.classList.remove("lit", "here")); lit = []; };
  const counterparts = (cell) => cell.dataset.counterparts.split(" ").filter(Boolean).map(byId);
  const light = (cell) => {
    unlight();
    lit = [cell, ...counterparts(cell)];
    lit.forEach((element) => element.classList.add("lit"));
    cell.classList.add("here");
  };

  // A symbol, wherever it stands in the same function. One that was clicked stays lit.
  const mark = (within, symbol, style, on) =>
    all(`.sym[data-symbol="${CSS.escape(symbol)}"]`, within).forEach((element) => element.classList.toggle(style, on));

  document.addEventListener("pointerover", (event) => {
    const cell = event.target.closest(".cell"), symbol = event.target.closest(".sym");
    if (cell) light(cell);
    if (symbol && home(symbol)) mark(home(symbol), symbol.dataset.symbol, "shown", true);
  });
  document.addEventListener("pointerout", (event) => {
    const cell = event.target.closest(".cell"), symbol = event.target.closest(".sym");
    if (symbol && home(symbol)) mark(home(symbol), symbol.dataset.symbol, "shown", false);
    if (!cell || cell.contains(event.relatedTarget)) return;
    const focused = document.activeElement?.closest(".cell");
    if (focused) light(focused); else unlight();
  });
  document.addEventListener("focusin", (event) => {
    const cell = event.target.closest(".cell"), symbol = event.target.closest("button.sym");
    if (cell) light(cell);
    if (symbol) mark(home(symbol), symbol.dataset.symbol, "shown", true);
  });
  document.addEventListener("focusout", (event) => {
    const symbol = event.target.closest("button.sym");
    if (symbol) mark(home(symbol), symbol.dataset.symbol, "shown", false);
    if (event.target.closest(".cell") && !narrow.matches) unlight();
  });
  document.addEventListener("click", (event) => {
    const symbol = event.target.closest("button.sym");
    if (!symbol) return;
    const on = symbol.getAttribute("aria-pressed") !== "true";
    symbol.setAttribute("aria-pressed", on);
    mark(home(symbol), symbol.dataset.symbol, "pinned", on);
  });

  // Up and down a column, left and right across to what does the same.
  const go = (cell) => {
    all(".cell", columnOf(cell)).forEach((other) => { other.tabIndex = other === cell ? 0 : -1; });
    if (narrow.matches) choose(columnOf(cell).dataset.panel);
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest" });
  };
  const across = (cell, by) => {
    const columns = all(".column", cell.closest(".columns"));
    const next = columns[columns.indexOf(columnOf(cell)) + by];
    if (!next) return null;
    const row = (other) => Number(getComputedStyle(other).getPropertyValue("--row"));
    const nearest = all(".cell", next).sort((a, b) => Math.abs(row(a) - row(cell)) - Math.abs(row(b) - row(cell)))[0];
    return counterparts(cell).find((other) => columnOf(other) === next) ?? nearest;
  };
  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.(".cell");
    if (!cell || event.target !== cell || event.altKey || event.ctrlKey || event.metaKey) return;
    const cells = all(".cell", columnOf(cell)), here = cells.indexOf(cell);
    const next = {
      ArrowDown: () => cells[here + 1], ArrowUp: () => cells[here - 1],
      ArrowRight: () => across(cell, 1), ArrowLeft: () => across(cell, -1),
      Home: () => cells[0], End: () => cells.at(-1),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    if (next()) go(next());
  });

  // On a narrow screen the columns are tabs; all functions of the page show the same backend.
  let backend = "c";
  const choose = (name) => { backend = name; arrange(); };
  const arrange = () => all(".columns").forEach((columns) => {
    const list = columns.querySelector(".tabs");
    if (narrow.matches) list.setAttribute("role", "tablist"); else list.removeAttribute("role");
    all(".column", columns).forEach((column) => {
      const tab = list.querySelector(`[data-tab="${column.dataset.panel}"]`), on = column.dataset.panel === backend;
      column.classList.toggle("off", !on);
      if (!narrow.matches) {
        column.removeAttribute("role");
        ["role", "aria-selected", "tabindex"].forEach((name) => tab.removeAttribute(name));
        return;
      }
      column.setAttribute("role", "tabpanel");
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
    });
  });
  const chooseAt = (tab) => {  // what is above changes its height too: the tab stays under the finger
    const before = tab.getBoundingClientRect().top;
    choose(tab.dataset.tab);
    window.scrollBy({ top: tab.getBoundingClientRect().top - before, behavior: "instant" });
    tab.focus({ preventScroll: true });
  };
  document.addEventListener("click", (event) => {
    const tab = event.target.closest(".tab");
    if (tab) chooseAt(tab);
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.(".tab");
    if (!tab) return;
    const tabs = all(".tab", tab.parentElement), here = tabs.indexOf(tab), last = tabs.length - 1;
    const next = { ArrowRight: here === last ? 0 : here + 1, ArrowLeft: here || last + 1, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    chooseAt(tabs[event.key === "ArrowLeft" ? next - 1 : next]);
  });
  narrow.addEventListener("change", arrange);
  arrange();
})();
