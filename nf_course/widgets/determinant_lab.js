// DeterminantLab: the unit cell under U + diag(s), then L, then P; its signed area is the determinant.

const STEPS = ["none", "U + diag(s)", "then L", "then P: W"];
const CELL = [[0, 0], [1, 0], [1, 1], [0, 1]];
const LETTER = [[0.25, 0.12], [0.25, 0.88], [0.8, 0.88], [0.8, 0.73], [0.42, 0.73], [0.42, 0.58],
  [0.7, 0.58], [0.7, 0.43], [0.42, 0.43], [0.42, 0.12]];

const multiply = (A, B) => A.map((row) => B[0].map((_, j) => row.reduce((sum, a, k) => sum + a * B[k][j], 0)));
const apply = (A, [x, y]) => [A[0][0] * x + A[0][1] * y, A[1][0] * x + A[1][1] * y];

function factors({ lower, upper, log_abs_s, sign_s, swap }) {
  const s = log_abs_s.map((v, i) => sign_s[i] * Math.exp(v));
  return { s, P: swap ? [[0, 1], [1, 0]] : [[1, 0], [0, 1]], L: [[1, 0], [lower, 1]], U: [[s[0], upper], [0, s[1]]] };
}

// The product after none, one, two and all three of the factors, the right one first.
function products({ P, L, U }) {
  const LU = multiply(L, U);
  return [[[1, 0], [0, 1]], U, LU, multiply(P, LU)];
}

// Half the sum of cross products along the border: positive where the corners run anticlockwise.
function signedArea(corners) {
  return corners.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length];
    return sum + (x * nextY - nextX * y) / 2;
  }, 0);
}

// For each step its matrix and the signed area of the cell's image; and the log-determinant from s alone.
function lab(state) {
  const parts = factors(state), matrices = products(parts);
  return { ...parts, matrices, areas: matrices.map((A) => signedArea(CELL.map((v) => apply(A, v)))),
    logAbsDet: state.log_abs_s[0] + state.log_abs_s[1] };
}

// P, L, U and s of a rotation, as partial pivoting finds them for angles between 45 and 90 degrees.
function rotation(angle) {
  const c = Math.cos(angle), s = Math.sin(angle);
  return { lower: c / s, upper: c, log_abs_s: [Math.log(s), -Math.log(s)], sign_s: [1, -1], swap: true };
}

// What the picture shows, in words.
function words(state) {
  const now = lab(state), area = now.areas[state.step];
  return `The unit square and its image, a parallelogram, after ${["no factor", "U + diag(s)", "U + diag(s) and L", "all three factors"][state.step]}: `
    + `area ${num(Math.abs(area), 3)}, ${area > 0 ? "same orientation" : "turned over"}, so the determinant is ${num(area, 3)} and log|det| `
    + `is ${num(Math.log(Math.abs(area)))}. s is ${num(now.s[0])} and ${num(now.s[1])}, the shears are ${num(state.upper)} and `
    + `${num(state.lower)}, P ${state.swap ? "swaps the rows" : "is the identity"}.`;
}

function render({ model, el }) {
  const root = frame(el), names = ["lower", "upper", "log_abs_s", "sign_s", "swap", "step"];
  const [state, close] = shared(model, names, () => draw());
  const start = Object.fromEntries(names.map((name) => [name, model.get(name)]));

  // Wide: the matrices stand beside the picture. On a phone they come last, and the sliders stay near the picture.
  const place = element(root, "div");
  place.style.cssText = "display:grid;gap:0.4rem 1.5rem;align-items:center";
  const part = (name) => { const node = element(place, "div"); node.style.cssText = `grid-area:${name};min-width:0`; return node; };
  const stage = part("picture"), numbers = part("numbers"), panel = part("controls"), equation = part("matrices");
  let pic;

  const facts = {};
  numbers.style.cssText += ";display:grid;gap:0.2rem 1rem";
  for (const [name, label] of [["area", "cell's area"], ["det", "det"], ["log", "log|det|"], ["sign", "sign of det"]]) {
    const fact = element(numbers, "div");
    element(fact, "div", "", label).style.cssText = "color:var(--nf-muted);font-size:13px;line-height:1.2";
    facts[name] = element(fact, "div");
    facts[name].style.cssText = "font-size:20px;font-weight:600;line-height:1.25;font-variant-numeric:tabular-nums;white-space:nowrap";
  }

  const grids = {};
  for (const name of ["U", "L", "P", "W"]) {
    const line = element(equation, "div"), title = element(line, "div", "", { U: "U + diag(s) =", L: "L =", P: "P =", W: "W =" }[name]);
    const grid = element(line, "div");
    grid.style.cssText = "display:grid;grid-template-columns:repeat(2,3.6em);text-align:right;padding:0 0.5em;width:max-content;"
      + "border:solid currentColor;border-width:0 2px;border-radius:4px;font-variant-numeric:tabular-nums";
    grids[name] = { line, title, grid, cells: [0, 1, 2, 3].map(() => element(grid, "span")) };
  }

  const first = controls(panel), second = controls(panel), third = controls(panel), fourth = controls(panel);
  const steps = slider(first, { label: "factors", min: 0, max: 3, step: 1, value: state.step, format: (v) => STEPS[v],
    oninput: (v) => { state.step = v; } });
  // A factor that the reader changes is applied from then on, so that every control moves the picture.
  const put = (name, value, step) => { state[name] = value; state.step = Math.max(state.step, step); };
  const at = (list, i, value) => list.map((v, j) => (j === i ? value : v));
  const shear = (label, name, step) => slider(second, { label, min: -2, max: 2, step: 0.01, value: state[name],
    format: (v) => num(v), oninput: (v) => put(name, v, step) });
  const sliders = { upper: shear("u (in U)", "upper", 1), lower: shear("\u2113 (in L)", "lower", 2), scales: [0, 1].map((i) =>
    slider(third, { label: `log|s${"\u2081\u2082"[i]}|`, min: -1.2, max: 1.2, step: 0.01, value: state.log_abs_s[i],
      format: (v) => num(v), oninput: (v) => put("log_abs_s", at(state.log_abs_s, i, v), 1) })) };
  const signs = [0, 1].map((i) => button(fourth, `s${"\u2081\u2082"[i]} negative`, () => put("sign_s", at(state.sign_s, i, -state.sign_s[i]), 1)));
  const swap = button(fourth, "P swaps the rows", () => put("swap", !state.swap, 3));
  button(fourth, "a rotation by 60°", () => Object.assign(state, rotation(Math.PI / 3), { step: 3 }));
  button(fourth, "start again", () => Object.assign(state, start));
  const readout = element(root, "p", "nf-readout");
  element(root, "p", "nf-caption", model.get("caption"));

  function layout(available) {
    const wide = available >= 520, side = Math.round(Math.min(400, Math.max(240, wide ? available - 270 : Math.min(available, 330))));
    place.style.gridTemplate = wide ? '"picture matrices" auto "numbers numbers" auto "controls controls" auto / auto 1fr'
      : '"picture" "numbers" "controls" "matrices" / minmax(0, 1fr)';
    numbers.style.gridTemplateColumns = wide ? "repeat(4, auto)" : "repeat(2, auto)";
    equation.style.cssText = `grid-area:matrices;display:grid;gap:0.5rem;grid-template-columns:${wide ? "1fr" : "repeat(2, auto)"}`;
    for (const { line, title } of Object.values(grids)) {
      line.style.cssText = wide ? "display:flex;align-items:center;gap:0.6rem" : "";
      title.style.cssText = wide ? "flex:0 0 7.2em;text-align:right;white-space:nowrap" : "";
    }
    stage.replaceChildren();
    pic = picture(stage, side, side);
    draw();
  }

  function draw() {
    const { g, width } = pic, c = colours(root), now = lab(state), A = now.matrices[state.step], area = now.areas[state.step];
    const image = CELL.map((v) => apply(A, v)), tint = area > 0 ? c.model : c.wrong, edge = width - 4;
    const half = Math.max(2.2, 1.12 * Math.max(...image.flat().map(Math.abs)));
    const at = axes([4, 4, edge, edge], [-half, half], [-half, half]);
    const path = (points) => { g.beginPath(); points.forEach(([x, y], i) => (i ? g.lineTo(at.x(x), at.y(y)) : g.moveTo(at.x(x), at.y(y)))); g.closePath(); };
    const line = (p, q) => { g.beginPath(); g.moveTo(at.x(p[0]), at.y(p[1])); g.lineTo(at.x(q[0]), at.y(q[1])); g.stroke(); };
    steps.set(state.step); sliders.upper.set(state.upper); sliders.lower.set(state.lower);
    sliders.scales.forEach((s, i) => s.set(state.log_abs_s[i]));
    signs.forEach((b, i) => b.setAttribute("aria-pressed", String(state.sign_s[i] < 0)));
    swap.setAttribute("aria-pressed", String(state.swap));

    pic.clear(c.paper);
    g.save(); g.beginPath(); g.rect(4, 4, edge - 4, edge - 4); g.clip();
    g.lineWidth = 1; g.strokeStyle = c.line;
    for (let k = -Math.floor(half); k <= half; k++) { line([k, -half], [k, half]); line([-half, k], [half, k]); }
    // where the lines of that grid go
    g.globalAlpha = 0.35; g.strokeStyle = tint;
    for (let k = -12; k <= 12; k++) { line(apply(A, [k, -12]), apply(A, [k, 12])); line(apply(A, [-12, k]), apply(A, [12, k])); }
    g.globalAlpha = 1;
    g.strokeStyle = c.muted; line([-half, 0], [half, 0]); line([0, -half], [0, half]);
    path(image); g.globalAlpha = 0.3; g.fillStyle = tint; g.fill(); g.globalAlpha = 1;
    g.strokeStyle = tint; g.lineWidth = 3; g.stroke();
    path(LETTER.map((v) => apply(A, v))); g.fillStyle = tint; g.fill();
    path(CELL); g.strokeStyle = c.x; g.lineWidth = 2; g.setLineDash([6, 5]); g.stroke(); g.setLineDash([]);
    g.restore();
    g.strokeStyle = c.line; g.lineWidth = 1; g.strokeRect(4, 4, edge - 4, edge - 4);
    g.textAlign = "left"; g.textBaseline = "top";
    halo(g, state.step ? `after ${STEPS[state.step].replace("then ", "")}` : "the unit cell", 12, 12, c.ink, c.paper, "600 15px system-ui, sans-serif");

    facts.area.textContent = num(Math.abs(area), 3);
    facts.det.textContent = num(area, 3);
    facts.log.textContent = num(Math.log(Math.abs(area)));
    facts.sign.textContent = area > 0 ? "+1" : "\u22121, turned over";
    for (const fact of Object.values(facts)) fact.style.color = `var(--nf-${area > 0 ? "model" : "wrong"})`;
    const shown = { U: now.U, L: now.L, P: now.P, W: now.matrices[3] };
    const used = { U: state.step >= 1, L: state.step >= 2, P: state.step >= 3, W: state.step >= 3 };
    for (const [name, { title, grid, cells }] of Object.entries(grids)) {
      shown[name].flat().forEach((v, i) => { cells[i].textContent = Number.isInteger(v) ? num(v, 0) : num(v); });
      title.style.color = grid.style.color = used[name] ? "var(--nf-ink)" : "var(--nf-muted)";
      grid.style.fontWeight = used[name] ? "600" : "400";
    }
    const [, afterU, afterL, afterP] = now.areas, [first, second] = state.log_abs_s;
    readout.textContent = `Measured at the corners: ${num(afterU, 3)} after U + diag(s), ${num(afterL, 3)} after L, ${num(afterP, 3)} after P. `
      + `From s alone: log|det W| = ${num(first)} ${second < 0 ? "\u2212" : "+"} ${num(Math.abs(second))} = `
      + `${num(now.logAbsDet)}, so |det W| = ${num(Math.exp(now.logAbsDet), 3)}.`;
    pic.describe(words(state));
  }

  const unfit = fitted(place, layout, 600), unwatch = drawWithTheme(draw);
  return () => { unfit(); unwatch(); close(); };
}

export default { render: whenNear(render) };
