// What the walks through the MLP and through the GPT share: the steps, a choice of one row, and bars of probabilities.
const walk = (() => {
  const byId = (id) => document.getElementById(id);
  const make = (tag, attributes = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.append(...children);
    return element;
  };
  const percent = (p) => `${(100 * p).toFixed(p < 0.1 ? 1 : 0)}%`;

  // The steps in #stages, between #previous and #next; draws the one that is chosen, and returns what draws it again.
  function stepper(stages, draw) {
    const list = byId("stages");
    let now = 0;
    const show = () => {
      [...list.querySelectorAll("button")].forEach((button, number) => {
        if (number === now) button.setAttribute("aria-current", "step"); else button.removeAttribute("aria-current");
      });
      byId("previous").disabled = now === 0;
      byId("next").disabled = now === stages.length - 1;
      const stage = stages[now], about = make("p", { innerHTML: stage.about });
      const read = stage.op ? [make("p", { className: "small" }, make("a", { href: `operations.html#${stage.op}` }, `Read ${stage.op} in C, numpy and PyTorch`))] : [];
      byId("title").textContent = `${now + 1}. ${stage.title}`;
      byId("stage").replaceChildren(about, make("div", { className: "pictures" }, ...draw(stage)), ...read);
    };
    const goTo = (number) => { now = Math.max(0, Math.min(stages.length - 1, number)); show(); };
    list.replaceChildren(...stages.map((stage, number) => {
      const button = make("button", { type: "button", className: stage.back ? "back" : "" }, stage.title);
      button.addEventListener("click", () => goTo(number));
      return make("li", {}, button);
    }));
    byId("previous").onclick = () => goTo(now - 1);  // in place of those of other steps
    byId("next").onclick = () => goTo(now + 1);
    list.onkeydown = (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      goTo(now + by);
      list.querySelector("[aria-current]").focus();
    };
    return show;
  }

  // The rows to choose from in #windows, by mouse or arrow keys; `chosen` is called with a row's number.
  function windows(chosen) {
    const group = byId("windows"), rows = () => [...group.children];
    group.addEventListener("click", (event) => {
      const row = rows().indexOf(event.target.closest(".window"));
      if (row >= 0) chosen(row);
    });
    group.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], n = rows().length;
      if (!by) return;
      event.preventDefault();
      const row = (rows().findIndex((button) => button.tabIndex === 0) + by + n) % n;
      chosen(row);
      rows()[row].focus();
    });
    return {
      fill: (labels) => group.replaceChildren(...labels.map(([spoken, ...shown]) => {
        const button = make("button", { type: "button", className: "window" }, ...shown);
        button.setAttribute("role", "radio");
        button.setAttribute("aria-label", spoken);
        return button;
      })),
      mark: (chosen) => rows().forEach((button, row) => {
        button.setAttribute("aria-checked", row === chosen);
        button.tabIndex = row === chosen ? 0 : -1;
      }),
    };
  }

  // A bar for each probability in #bars, as high as its share of the largest.
  function bars(probs, characters, came) {
    const most = Math.max(...probs);
    byId("bars").replaceChildren(...probs.map((p, id) => {
      const bar = make("span", { className: id === came ? "bar came" : "bar", title: `${characters[id]} ${percent(p)}` }, make("i"), make("small", {}, characters[id]));
      bar.style.setProperty("--p", p / most);
      return bar;
    }));
  }

  return { byId, make, percent, stepper, windows, bars };
})();
