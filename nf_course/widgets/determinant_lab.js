// DeterminantLab: the unit cell under U + diag(s), then L, then P; its signed area is the determinant.

const STEPS = ["none", "U + diag(s)", "then L", "then P: W"];
const CELL = [[0, 0], [1, 0], [1, 1], [0, 1]];
const LETTER = [[0.25, 0.12], [0.25, 0.88], [0.8, 0.88], [0.8, 0.73], [0.42, 0.73], [0.42, 0.58],
  [0.7, 0.58], [0.7, 0.43], [0.42, 0.43], [0.42, 0.12]];

const multiply = (A, B) => A.map((row) => B[0].map((_, j) => row.reduce((sum, a, k) => sum + a * B[k][j], 0)));
const apply = (A, [x, y]) => [A[0][0] * x + A[0][1] * y, A[1][0] * x + A[1][1] * y];

function factors({ lower, upper, logAbsS, signS, swap }) {
  const s = logAbsS.map((v, i) => signS[i] * Math.exp(v));
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
    logAbsDet: state.logAbsS[0] + state.logAbsS[1] };
}

// P, L, U and s of a rotation, as partial pivoting finds them for angles between 45 and 90 degrees.
function rotation(angle) {
  const c = Math.cos(angle), s = Math.sin(angle);
  return { lower: c / s, upper: c, logAbsS: [Math.log(s), -Math.log(s)], signS: [1, -1], swap: true };
}

const num = (v, digits = 2) => v.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "\u2212");

function render({ model, el }) {
  const root = frame(el);
  const state = { lower: model.get("lower"), upper: model.get("upper"), logAbsS: [...model.get("log_abs_s")],
    signS: [...model.get("sign_s")], swap: model.get("swap"), step: 1 };

  const stage = element(root, "div");
  stage.style.cssText = "display:flex;flex-wrap:wrap;gap:0.75rem 1.25rem;align-items:center";
  const left = element(stage, "div"), right = element(stage, "div");
  left.style.cssText = "flex:1 1 290px;max-width:400px";
  right.style.cssText = "flex:1 1 230px";
  const pic = picture(left, 400, 400);

  // The factors as matrices, and the area after each of them.
  const grids = {};
  const equation = element(right, "div");
  equation.style.cssText = "display:grid;grid-template-columns:auto auto;gap:0.5rem 0.6rem;align-items:center;justify-content:start";
  for (const name of ["U", "L", "P", "W"]) {
    const title = element(equation, "span", "", { U: "U + diag(s) =", L: "L =", P: "P =", W: "W =" }[name]);
    title.style.cssText = "text-align:right";
    const grid = element(equation, "div");
    grid.style.cssText = "display:grid;grid-template-columns:repeat(2,4.2em);text-align:right;padding:0 0.5em;"
      + "border:solid currentColor;border-width:0 2px;border-radius:4px;font-variant-numeric:tabular-nums;justify-self:start";
    grids[name] = { title, grid, cells: [0, 1, 2, 3].map(() => element(grid, "span")) };
  }
  const readout = element(root, "p", "nf-readout");

  const first = controls(root), second = controls(root), third = controls(root), fourth = controls(root);
  const steps = slider(first, { label: "factors", min: 0, max: 3, step: 1, value: state.step, format: (v) => STEPS[v],
    oninput: (v) => { state.step = v; draw(); } });
  // A factor that the reader changes is applied from then on, so that every control moves the picture.
  const reach = (step) => { state.step = Math.max(state.step, step); steps.set(state.step); draw(); };
  const shear = (label, name, step) => slider(second, { label, min: -1.5, max: 1.5, step: 0.01, value: state[name],
    format: (v) => num(v), oninput: (v) => { state[name] = v; reach(step); } });
  const sliders = { upper: shear("u (in U)", "upper", 1), lower: shear("\u2113 (in L)", "lower", 2), logAbsS: [0, 1].map((i) =>
    slider(third, { label: `log|s${"\u2081\u2082"[i]}|`, min: -1.2, max: 0.9, step: 0.01, value: state.logAbsS[i],
      format: (v) => num(v), oninput: (v) => { state.logAbsS[i] = v; reach(1); } })) };
  const signs = [0, 1].map((i) => button(fourth, `s${"\u2081\u2082"[i]} negative`, () => { state.signS[i] *= -1; reach(1); }));
  const swap = button(fourth, "P swaps the rows", () => { state.swap = !state.swap; reach(3); });
  button(fourth, "a rotation by 60°", () => set({ ...rotation(Math.PI / 3), step: 3 }));
  button(fourth, "start again", () => set({ lower: model.get("lower"), upper: model.get("upper"),
    logAbsS: [...model.get("log_abs_s")], signS: [...model.get("sign_s")], swap: model.get("swap"), step: 1 }));
  element(root, "p", "nf-caption", model.get("caption"));

  function set(values) {
    Object.assign(state, values);
    steps.set(state.step); sliders.upper.set(state.upper); sliders.lower.set(state.lower);
    sliders.logAbsS.forEach((s, i) => s.set(state.logAbsS[i]));
    draw();
  }

  function draw() {
    const { g } = pic, c = colours(root), now = lab(state), A = now.matrices[state.step], area = now.areas[state.step];
    const image = CELL.map((v) => apply(A, v)), tint = area > 0 ? c.model : c.wrong;
    const half = Math.max(2.2, 1.12 * Math.max(...image.flat().map(Math.abs)));
    const at = axes([4, 4, 396, 396], [-half, half], [-half, half]);
    const path = (points) => { g.beginPath(); points.forEach(([x, y], i) => (i ? g.lineTo(at.x(x), at.y(y)) : g.moveTo(at.x(x), at.y(y)))); g.closePath(); };
    const line = (p, q) => { g.beginPath(); g.moveTo(at.x(p[0]), at.y(p[1])); g.lineTo(at.x(q[0]), at.y(q[1])); g.stroke(); };

    pic.clear(c.paper);
    g.save(); g.beginPath(); g.rect(4, 4, 392, 392); g.clip();
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
    g.strokeStyle = c.line; g.lineWidth = 1; g.strokeRect(4, 4, 392, 392);
    g.font = "600 16px system-ui, sans-serif"; g.textAlign = "left"; g.textBaseline = "top"; g.fillStyle = c.ink;
    const title = `area ${num(Math.abs(area), 3)}, ${area > 0 ? "not turned over" : "turned over"}`;
    g.globalAlpha = 0.85; g.fillStyle = c.paper; g.fillRect(8, 8, g.measureText(title).width + 16, 27); g.globalAlpha = 1;
    g.fillStyle = c.ink; g.fillText(title, 16, 13);

    const shown = { U: now.U, L: now.L, P: now.P, W: now.matrices[3] };
    const used = { U: state.step >= 1, L: state.step >= 2, P: state.step >= 3, W: state.step >= 3 };
    for (const [name, { title, grid, cells }] of Object.entries(grids)) {
      shown[name].flat().forEach((v, i) => { cells[i].textContent = Number.isInteger(v) ? num(v, 0) : num(v); });
      title.style.color = grid.style.color = used[name] ? c.ink : c.muted;
      grid.style.fontWeight = used[name] ? "600" : "400";
    }
    signs.forEach((b, i) => b.setAttribute("aria-pressed", String(state.signS[i] < 0)));
    swap.setAttribute("aria-pressed", String(state.swap));
    const [, afterU, afterL, afterP] = now.areas;
    readout.textContent = `Signed area of the image, measured at its corners: ${num(afterU, 3)} after U + diag(s), ${num(afterL, 3)} `
      + `after L, ${num(afterP, 3)} after P. From s alone: log|det W| = ${num(state.logAbsS[0])} + (${num(state.logAbsS[1])}) = `
      + `${num(now.logAbsDet)}, so |det W| = ${num(Math.exp(now.logAbsDet), 3)}.`;
    pic.describe(`The unit square and its image, a parallelogram, after ${["no factor", "U + diag(s)", "U + diag(s) and L", "all three factors"][state.step]}: area ${num(Math.abs(area), 3)}, `
      + `${area > 0 ? "same orientation" : "turned over"}. s is ${num(now.s[0])} and ${num(now.s[1])}, the shears are `
      + `${num(state.upper)} and ${num(state.lower)}, P ${state.swap ? "swaps the rows" : "is the identity"}.`);
  }

  return drawWithTheme(draw);
}

export default { render };
