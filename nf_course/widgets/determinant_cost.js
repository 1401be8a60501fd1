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
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}

// The layer's time in two ways, and what each is made of.
const WAYS = [["with slogdet", "withSlogdet", ["slogdet", "product"]], ["with the factors", "withFactors", ["sum", "multiply", "product"]]];
const count = (v) => v.toLocaleString("en-GB");

// What the picture shows, in words.
function words(data, { C, positions }) {
  const now = costs(data, C, positions);
  return `Time against C on logarithmic axes. At C = ${C} and ${count(positions)} positions: `
    + `${CURVES.map(({ name, label }) => `${label} ${duration(now[name])}`).join(", ")}. The layer takes `
    + `${WAYS.map(([way, total]) => `${duration(now[total])} ${way}`).join(", ")}.`;
}

function render({ model, el }) {
  const root = frame(el), stage = element(root, "div");
  const [state, close] = shared(model, ["C", "positions"], () => draw());
  const data = { sizes: model.get("sizes"), rows: model.get("rows") };
  for (const { name } of CURVES) data[name] = model.get(name);
  const [low, high] = [data.sizes[0], data.sizes[data.sizes.length - 1]];
  let pic;

  const first = controls(root), second = controls(root);
  const size = slider(first, { label: "C", min: Math.log2(low), max: Math.log2(high), step: 0.25, value: Math.log2(state.C),
    format: () => String(state.C), oninput: (v) => { state.C = Math.min(high, Math.max(low, Math.round(2 ** v))); size.set(v); } });
  const many = slider(second, { label: "positions", min: 0, max: 20, step: 1, value: Math.log2(state.positions),
    format: () => count(state.positions), oninput: (v) => { state.positions = 2 ** v; many.set(v); } });
  const readout = element(root, "p", "nf-readout");
  element(root, "p", "nf-caption", model.get("caption"));

  function layout(available) {
    stage.replaceChildren();
    pic = picture(stage, Math.max(260, Math.min(660, available)), 382);
    draw();
  }

  function draw() {
    const { g, width } = pic, c = colours(root), now = costs(data, state.C, state.positions);
    const all = CURVES.flatMap(({ name }) => data[name]);
    const decades = [Math.floor(Math.log10(Math.min(...all))), Math.ceil(Math.log10(Math.max(...all)))];
    const wide = width > 480, box = [58, wide ? 12 : 44, width - (wide ? 122 : 20), 252];
    const at = axes(box, [Math.log2(low), Math.log2(high)], decades);
    const X = (C) => at.x(Math.log2(C)), Y = (s) => at.y(Math.log10(s));
    size.set(Math.log2(state.C)); many.set(Math.log2(state.positions));

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
    // names at the curves' right ends, pushed apart where they would lie on each other; where it is narrow, above them
    g.textAlign = wide ? "left" : "right"; g.textBaseline = "middle";
    let last = Infinity;
    const ends = CURVES.map((curve) => ({ ...curve, y: Y(data[curve.name].at(-1)) - (wide ? 0 : 11) })).sort((p, q) => q.y - p.y);
    for (const { label, colour, y } of ends) {
      last = Math.min(y, last - 17);
      halo(g, label, box[2] + (wide ? 8 : 0), Math.max(10, last), c[colour], c.paper, "600 13px system-ui, sans-serif");
    }

    // the layer's time, on a linear scale, by its parts
    const longest = Math.max(now.withSlogdet, now.withFactors), room = width - 2 - 62;
    g.textAlign = "left"; g.textBaseline = "middle";
    WAYS.forEach(([way, total, parts], i) => {
      const top = 296 + 46 * i;
      let x = 2;
      g.fillStyle = c.ink; g.font = "13px system-ui, sans-serif"; g.fillText(`the layer ${way}`, x, top);
      for (const part of parts) {
        const long = (room * now[part]) / longest, { colour } = CURVES.find(({ name }) => name === part);
        g.fillStyle = c[colour]; g.fillRect(x, top + 10, long, 18);
        x += long;
      }
      g.fillStyle = c.ink; g.font = "600 13px system-ui, sans-serif"; g.fillText(duration(now[total]), x + 6, top + 20);
    });

    const share = (100 * now.slogdet) / now.withSlogdet, sum = (100 * now.sum) / now.withFactors;
    const percent = (v) => (v < 1 ? "less than 1" : v.toFixed(0));
    const times = CURVES.map(({ name, label }) => `${label}${name === "product" ? ` at ${count(state.positions)} positions` : ""} ${duration(now[name])}`);
    readout.textContent = `${times.join(", ")}. The determinant takes ${percent(share)} % of the layer with slogdet, ${percent(sum)} % with the factors.`;
    pic.describe(words(data, state));
  }

  const unfit = fitted(stage, layout, 640), unwatch = drawWithTheme(draw);
  return () => { unfit(); unwatch(); close(); };
}

export default { render: whenNear(render) };
