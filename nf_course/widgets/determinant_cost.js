// DeterminantCost: measured curves over C on logarithmic axes, read off at the reader's C and number of positions.

const CURVES = [
  { name: "slogdet", label: "slogdet(W)", colour: "wrong", dash: [] },
  { name: "sum", label: "sum of log|s|", colour: "model", dash: [] },
  { name: "multiply", label: "L (U + diag(s))", colour: "z", dash: [7, 4] },
  { name: "product", label: "W x", colour: "x", dash: [2, 4] },
];

// Between two measured sizes: a straight line on logarithmic axes.
function readOff(sizes, seconds, C) {
  let i = 0;
  while (i + 2 < sizes.length && C > sizes[i + 1]) i++;
  const t = Math.log(C / sizes[i]) / Math.log(sizes[i + 1] / sizes[i]);
  return Math.exp((1 - t) * Math.log(seconds[i]) + t * Math.log(seconds[i + 1]));
}

// The product was measured at `rows` positions and scales with them, down to the overhead of a call: its time for the smallest C.
function costs({ sizes, rows, ...seconds }, C, positions) {
  const at = (name) => readOff(sizes, seconds[name], C);
  const found = { slogdet: at("slogdet"), sum: at("sum"), multiply: at("multiply"),
    product: Math.max((at("product") * positions) / rows, seconds.product[0]) };
  found.withSlogdet = found.slogdet + found.product;
  found.withFactors = found.sum + found.multiply + found.product;
  return found;
}

function duration(seconds) {
  const [unit, scale] = seconds < 1e-3 ? ["µs", 1e6] : seconds < 1 ? ["ms", 1e3] : ["s", 1];
  const value = seconds * scale;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}

function render({ model, el }) {
  const root = frame(el);
  const data = { sizes: model.get("sizes"), rows: model.get("rows") };
  for (const { name } of CURVES) data[name] = model.get(name);
  const [low, high] = [data.sizes[0], data.sizes[data.sizes.length - 1]];
  const state = { C: data.sizes[Math.floor(data.sizes.length / 2)], positions: data.rows };
  const stage = element(root, "div");
  let pic;

  const table = element(root, "table", "nf-readout");
  table.style.cssText = "width:100%;border-collapse:collapse";
  const cells = {};
  const row = (key, label, colour) => {
    const line = element(table, "tr"), head = element(line, "th", "", label), cell = element(line, "td");
    head.scope = "row";
    head.style.cssText = `text-align:left;font-weight:400;padding:0.1rem 0.4rem;${colour ? `color:var(--nf-${colour})` : ""}`;
    cell.style.cssText = "text-align:right;padding:0.1rem 0.4rem";
    cells[key] = { head, cell };
  };
  for (const { name, label, colour } of CURVES) row(name, label, colour);
  const readout = element(root, "p", "nf-readout");
  const first = controls(root), second = controls(root);
  slider(first, { label: "C", min: Math.log2(low), max: Math.log2(high), step: 0.25, value: Math.log2(state.C),
    format: (v) => String(Math.round(2 ** v)), oninput: (v) => { state.C = Math.round(2 ** v); draw(); } });
  slider(second, { label: "positions", min: 0, max: 20, step: 1, value: Math.log2(state.positions),
    format: (v) => (2 ** v).toLocaleString("en-GB"), oninput: (v) => { state.positions = 2 ** v; draw(); } });
  element(root, "p", "nf-caption", model.get("caption"));

  function draw() {
    const { g, width, height } = pic, c = colours(root), now = costs(data, state.C, state.positions);
    const all = CURVES.flatMap(({ name }) => data[name]);
    const decades = [Math.floor(Math.log10(Math.min(...all))), Math.ceil(Math.log10(Math.max(...all)))];
    const box = [58, 12, width - 20, height - 42];
    const at = axes(box, [Math.log2(low), Math.log2(high)], decades);
    const X = (C) => at.x(Math.log2(C)), Y = (s) => at.y(Math.log10(s));

    pic.clear(c.paper);
    g.font = "13px system-ui, sans-serif"; g.lineWidth = 1; g.strokeStyle = c.line; g.fillStyle = c.muted;
    g.textAlign = "right"; g.textBaseline = "middle";
    for (let d = decades[0]; d <= decades[1]; d++) {
      g.beginPath(); g.moveTo(box[0], at.y(d)); g.lineTo(box[2], at.y(d)); g.stroke();
      g.fillText(duration(10 ** d * 1.0000001).replace(".0", ""), box[0] - 7, at.y(d));
    }
    g.textAlign = "center"; g.textBaseline = "top";
    let free = Infinity;  // from the right: a label that would touch its neighbour is left out
    for (const C of [...data.sizes].reverse()) {
      const half = g.measureText(String(C)).width / 2;
      if (X(C) + half > free) continue;
      g.fillText(String(C), X(C), box[3] + 6);
      free = X(C) - half - 6;
    }
    g.fillText("C, number of channels", (box[0] + box[2]) / 2, box[3] + 24);
    g.strokeStyle = c.muted; g.beginPath(); g.moveTo(X(state.C), box[1]); g.lineTo(X(state.C), box[3]); g.stroke();
    for (const { name, colour, dash } of CURVES) {
      g.strokeStyle = g.fillStyle = c[colour]; g.lineWidth = 2.5; g.setLineDash(dash); g.beginPath();
      data.sizes.forEach((C, i) => (i ? g.lineTo(X(C), Y(data[name][i])) : g.moveTo(X(C), Y(data[name][i]))));
      g.stroke(); g.setLineDash([]);
      g.beginPath(); g.arc(X(state.C), Y(readOff(data.sizes, data[name], state.C)), 5, 0, 7); g.fill();
    }

    for (const { name } of CURVES) cells[name].cell.textContent = duration(now[name]);
    cells.product.head.textContent = `W x at ${state.positions.toLocaleString("en-GB")} positions`;
    const share = (100 * now.slogdet) / now.withSlogdet, sum = (100 * now.sum) / now.withFactors;
    const percent = (v) => (v < 1 ? "less than 1" : v.toFixed(0));
    readout.textContent = `With slogdet: ${duration(now.withSlogdet)} for the layer, of which the determinant takes ${percent(share)} %. `
      + `With the factors: ${duration(now.withFactors)}, of which the determinant takes ${percent(sum)} %.`;
    pic.describe(`Time against C on logarithmic axes. At C = ${state.C}: `
      + CURVES.map(({ name, label }) => `${label} ${duration(readOff(data.sizes, data[name], state.C))}`).join(", ") + ".");
  }

  function layout(width) {
    stage.replaceChildren();
    pic = picture(stage, Math.max(300, Math.min(660, Math.floor(width))), 300);
  }
  layout(640);
  let known = 640;
  const watch = new ResizeObserver(() => {
    const available = stage.clientWidth;
    if (available && Math.abs(available - known) > 3) { known = available; layout(available); draw(); }
  });
  watch.observe(stage);
  const unwatch = drawWithTheme(draw);
  return () => { watch.disconnect(); unwatch(); };
}

export default { render };
