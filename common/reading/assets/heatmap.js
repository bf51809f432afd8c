// A tensor as a small heat map: blue below zero, orange above, as strong as the largest of it. Arrow keys read it out.
function heatmap(name, tensor, { rows = [], columns = [], chosen = -1, group = 0 } = {}) {
  const height = tensor.shape.length > 1 ? tensor.shape[0] : 1, width = tensor.data.length / height;
  const largest = tensor.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1;
  const element = (tag, style, text = "") => Object.assign(document.createElement(tag), { className: style, textContent: text });
  const number = (x) => (Math.abs(x) >= 1e-3 || x === 0 ? x.toFixed(3) : x.toExponential(1)).replace("-", "−");

  const figure = element("figure", "heat"), caption = element("figcaption", ""), readout = element("output", "readout");
  const title = element("b", "", name), shape = element("span", "shape", `(${tensor.shape.join(", ")})`);
  caption.append(title, " ", shape, element("span", "scale", `± ${number(largest)}`), readout);
  const grid = element("div", "grid");
  grid.style.setProperty("--columns", width);
  grid.tabIndex = 0;
  grid.setAttribute("role", "img");
  const range = `from ${number(Math.min(...tensor.data))} to ${number(Math.max(...tensor.data))}`;
  grid.setAttribute("aria-label", `${name}, ${tensor.shape.join(" by ")}, ${range}; the arrow keys read it out`);

  const cells = [...tensor.data].map((x, i) => {
    const cell = document.createElement("i");
    cell.style.setProperty("--v", (Math.abs(x) / largest).toFixed(3));
    if (x < 0) cell.classList.add("minus");
    if (Math.floor(i / width) === chosen) cell.classList.add("chosen");
    if (group && i % width && i % group === 0) cell.classList.add("first");
    return cell;
  });
  if (rows.length) {
    figure.classList.add("labelled");
    if (columns.length) grid.append(element("span", "row"), ...columns.map((label) => element("span", "column-label", label)));
    rows.forEach((label, r) => grid.append(element("span", r === chosen ? "row chosen" : "row", label), ...cells.slice(r * width, r * width + width)));
  } else grid.append(...cells);

  let at = Math.max(chosen, 0) * width;
  const show = (i) => {
    cells[at].classList.remove("at");
    at = i;
    cells[at].classList.add("at");
    const place = [...(height > 1 ? [rows[Math.floor(at / width)] ?? Math.floor(at / width)] : []), columns[at % width] ?? at % width];
    readout.textContent = `[${place.join(", ")}] ${number(tensor.data[at])}`;
  };
  grid.addEventListener("pointermove", (event) => {
    const i = cells.indexOf(event.target);
    if (i >= 0) show(i);
  });
  grid.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: width, ArrowUp: -width }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    if (cells[at + by]) show(at + by);
  });
  figure.append(caption, grid);
  return figure;
}
