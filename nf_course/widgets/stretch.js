// Stretch: z = f(x), monotone, bent by its handles; p_X(x) = p_Z(f(x)) |f'(x)| above it, p_Z on its right.

const KNOTS = [-2.4, -1.2, 0, 1.2, 2.4], GAP = 0.1, LIMIT = 3, RANGE = [-3.2, 3.2];
const normal = (z) => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);

// Monotone cubic interpolation: harmonic means of the neighbouring slopes, straight lines beyond the ends.
// Returns f with f(x) = [value, slope]; increasing heights give a slope that is positive everywhere.
function monotone(xs, ys, sign = 1) {
  const n = xs.length, secant = [];
  for (let i = 0; i + 1 < n; i++) secant.push((ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]));
  const slope = xs.map((_, i) => i === 0 ? secant[0] : i === n - 1 ? secant[n - 2]
    : 2 * secant[i - 1] * secant[i] / (secant[i - 1] + secant[i]));
  return (x) => {
    if (x <= xs[0]) return [sign * (ys[0] + slope[0] * (x - xs[0])), sign * slope[0]];
    if (x >= xs[n - 1]) return [sign * (ys[n - 1] + slope[n - 1] * (x - xs[n - 1])), sign * slope[n - 1]];
    let i = 0;
    while (x > xs[i + 1]) i++;
    const h = xs[i + 1] - xs[i], t = (x - xs[i]) / h;
    const c = slope[i], d = 3 * secant[i] - 2 * slope[i] - slope[i + 1], e = slope[i] + slope[i + 1] - 2 * secant[i];
    return [sign * (ys[i] + h * t * (c + t * (d + t * e))), sign * (c + t * (2 * d + 3 * t * e))];
  };
}

// Simpson's rule: each side's area is an integral of its own density, so that they can disagree if the formula is wrong.
function integrate(density, a, b, pieces = 600) {
  const h = (b - a) / pieces;
  let sum = density(a) + density(b);
  for (let i = 1; i < pieces; i++) sum += (i % 2 ? 4 : 2) * density(a + i * h);
  return (sum * h) / 3;
}

const densityX = (f) => (x) => { const [z, slope] = f(x); return normal(z) * Math.abs(slope); };

// Everything that the table below the picture says about the slab.
function measure(f, centre, width) {
  const a = centre - width / 2, b = centre + width / 2;
  const [c, d] = [f(a)[0], f(b)[0]].sort((p, q) => p - q);
  const [middle, slope] = f(centre);
  return { a, b, c, d, widthX: b - a, widthZ: d - c, areaX: integrate(densityX(f), a, b), areaZ: integrate(normal, c, d),
    slope, middle, heightX: normal(middle) * Math.abs(slope), heightZ: normal(middle) };
}

// A handle may not pass its neighbours: the map stays one to one.
function clampHeight(heights, i, value) {
  const low = i === 0 ? -LIMIT : heights[i - 1] + GAP;
  const high = i === heights.length - 1 ? LIMIT : heights[i + 1] - GAP;
  return Math.min(high, Math.max(low, value));
}

const num = (v, digits = 2) => v.toFixed(digits).replace("-", "\u2212");

function render({ model, el }) {
  const root = frame(el);
  const stage = element(root, "div");
  const state = { heights: [...model.get("heights")], centre: model.get("slab"), width: model.get("width"),
    sign: model.get("decreasing") ? -1 : 1, handle: 2 };
  let pic, box, drag = null;

  const table = element(root, "table", "nf-readout");
  table.style.cssText = "width:100%;border-collapse:collapse;text-align:right";
  const cells = {};
  for (const [row, names] of [["head", ["", "width", "mean height", "area"]], ["x", ["x side"]], ["z", ["z side"]]]) {
    const line = element(table, "tr");
    for (let i = 0; i < 4; i++) {
      const cell = element(line, (row === "head") !== (i === 0) ? "th" : "td", "", names[i] || "");
      cell.style.cssText = "padding:0.1rem 0.4rem;font-weight:" + (i === 3 && row !== "head" ? "700" : "400");
      if (row !== "head" && i === 0) { cell.scope = "row"; cell.style.textAlign = "left"; cell.style.color = `var(--nf-${row})`; }
      if (row === "head" && i) { cell.scope = "col"; cell.style.color = "var(--nf-muted)"; }
      if (row !== "head" && i) (cells[row] ||= []).push(cell);
    }
  }
  const readout = element(root, "p", "nf-readout");

  const first = controls(root), second = controls(root), third = controls(root);
  const choose = slider(first, { label: "dot", min: 1, max: KNOTS.length, step: 1, value: state.handle + 1,
    oninput: (v) => { state.handle = v - 1; showHeight(); draw(); } });
  const height = slider(first, { label: "its height", min: -LIMIT, max: LIMIT, step: 0.02,
    value: state.sign * state.heights[state.handle], format: (v) => num(v), oninput: lift });
  const place = slider(second, { label: "slab at x =", min: -2.6, max: 2.6, step: 0.02, value: state.centre,
    format: (v) => num(v), oninput: (v) => { state.centre = v; draw(); } });
  slider(second, { label: "its width", min: 0.04, max: 1.6, step: 0.02, value: state.width,
    format: (v) => num(v), oninput: (v) => { state.width = v; draw(); } });
  const preset = (text, heights) => button(third, text, () => { state.heights = [...heights]; showHeight(); draw(); });
  preset("straight", [-2.4, -1.2, 0, 1.2, 2.4]);
  preset("steep in the middle", [-2.7, -2.1, 0, 2.1, 2.7]);
  preset("flat in the middle", [-2.9, -0.3, 0, 0.3, 2.9]);
  const turn = button(third, "decreasing", () => {
    state.sign = -state.sign; turn.setAttribute("aria-pressed", String(state.sign < 0)); showHeight(); draw();
  });
  turn.setAttribute("aria-pressed", String(state.sign < 0));
  element(root, "p", "nf-caption", model.get("caption"));

  function showHeight() { height.set(state.sign * state.heights[state.handle]); }

  function lift(value) {
    state.heights[state.handle] = clampHeight(state.heights, state.handle, state.sign * value);
    showHeight();
    draw();
  }

  // Square in the middle: x to the right, z upwards, one unit of x as long as one unit of z.
  function layout(available) {
    const w = Math.round(Math.min(540, Math.max(270, available)));
    const strip = Math.round(0.24 * w), left = 34, gap = 8, right = 6;
    const side = w - left - gap - strip - right, top = 24;
    if (pic) pic.canvas.remove();
    pic = picture(stage, w, top + strip + gap + side + 40);
    box = { left, right: left + side, top: top + strip + gap, bottom: top + strip + gap + side, strip, gap, ceiling: top };
    box.at = axes([box.left, box.top, box.right, box.bottom], RANGE, RANGE);
    pic.canvas.addEventListener("pointerdown", (event) => {
      const [px, py] = pic.at(event), hit = nearest(px, py);
      if (hit >= 0) { state.handle = hit; choose.set(hit + 1); showHeight(); }
      else if (px < box.left || px > box.right) return;
      drag = hit >= 0 ? "dot" : "slab";
      pic.canvas.setPointerCapture(event.pointerId);
      move(event);
    });
    pic.canvas.addEventListener("pointermove", (event) => {
      if (drag) move(event);
      else pic.canvas.style.cursor = nearest(...pic.at(event)) >= 0 ? "ns-resize" : "ew-resize";
    });
    for (const name of ["pointerup", "pointercancel"]) pic.canvas.addEventListener(name, () => { drag = null; });
    // A finger on a dot moves the dot; anywhere else it scrolls the page as usual.
    pic.canvas.addEventListener("touchstart", (event) => {
      if (nearest(...pic.at(event.touches[0])) >= 0) event.preventDefault();
    }, { passive: false });
    draw();
  }

  function nearest(px, py) {
    const far = KNOTS.map((x, i) => Math.hypot(px - box.at.x(x), py - box.at.y(state.sign * state.heights[i])));
    const best = far.indexOf(Math.min(...far));
    return far[best] < 20 ? best : -1;
  }

  function move(event) {
    const [px, py] = pic.at(event);
    if (drag === "dot") return lift(box.at.uy(py));
    state.centre = Math.min(2.6, Math.max(-2.6, box.at.ux(px)));
    place.set(state.centre);
    draw();
  }

  function draw() {
    const { g } = pic, c = colours(root), { at } = box;
    const f = monotone(KNOTS, state.heights, state.sign), pX = densityX(f), m = measure(f, state.centre, state.width);
    const floorX = box.top - box.gap, wallZ = box.right + box.gap;
    pic.clear(c.paper);

    // One scale of height for both strips, so that equal areas look equal.
    const fine = Array.from({ length: 481 }, (_, i) => RANGE[0] + (i / 480) * (RANGE[1] - RANGE[0]));
    const unit = box.strip / (1.05 * Math.max(0.6, ...fine.map(pX)));

    const area = (density, from, to, point, colour, alpha) => {
      g.beginPath(); g.globalAlpha = alpha; g.fillStyle = colour;
      g.moveTo(...point(from, 0));
      for (let i = 0; i <= 200; i++) { const v = from + (i / 200) * (to - from); g.lineTo(...point(v, density(v))); }
      g.lineTo(...point(to, 0)); g.fill(); g.globalAlpha = 1;
    };
    const above = (x, p) => [at.x(x), floorX - unit * p], beside = (z, p) => [wallZ + unit * p, at.y(z)];
    const inside = ([low, high]) => [Math.max(RANGE[0], low), Math.min(RANGE[1], high)];

    // the slab on its way: up from x to the curve, across to z
    const [a, b] = inside([m.a, m.b]), [lo, hi] = inside([m.c, m.d]);
    g.globalAlpha = 0.16; g.fillStyle = c.x;
    g.beginPath(); g.moveTo(at.x(a), floorX);
    for (let i = 0; i <= 60; i++) { const x = a + (i / 60) * (b - a); g.lineTo(at.x(x), Math.max(box.top, at.y(f(x)[0]))); }
    g.lineTo(at.x(b), floorX); g.fill();
    g.fillStyle = c.z;
    g.beginPath(); g.moveTo(wallZ, at.y(lo)); g.lineTo(wallZ, at.y(hi));
    const [zEnd, zStart] = [hi, lo].map((z) => (Math.abs(f(a)[0] - z) < Math.abs(f(b)[0] - z) ? a : b));
    for (let i = 0; i <= 60; i++) {
      const x = zEnd + (i / 60) * (zStart - zEnd);
      g.lineTo(at.x(x), Math.min(box.bottom, Math.max(box.top, at.y(f(x)[0]))));
    }
    g.fill(); g.globalAlpha = 1;

    // frame and ticks
    g.strokeStyle = c.line; g.lineWidth = 1;
    g.strokeRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    g.fillStyle = c.muted; g.font = "13px system-ui, sans-serif";
    for (const v of [-3, -2, -1, 0, 1, 2, 3]) {
      g.textAlign = "center"; g.textBaseline = "top"; g.fillText(num(v, 0), at.x(v), box.bottom + 5);
      g.textAlign = "right"; g.textBaseline = "middle"; g.fillText(num(v, 0), box.left - 6, at.y(v));
    }
    g.textBaseline = "top"; g.textAlign = "center"; g.fillStyle = c.x;
    g.fillText("x, data", (box.left + box.right) / 2, box.bottom + 22);
    g.fillStyle = c.z; g.textAlign = "left"; g.fillText("z, latent", wallZ, box.bottom + 5);
    g.fillStyle = c.x; g.textBaseline = "bottom"; g.textAlign = "left";
    g.fillText("density of x", box.left, box.ceiling - 4);
    g.fillStyle = c.z; g.textAlign = "right"; g.fillText("density of z", pic.width - 4, box.top - 4);

    // the two densities, and the slab in them
    area(pX, RANGE[0], RANGE[1], above, c.x, 0.18); area(normal, RANGE[0], RANGE[1], beside, c.z, 0.18);
    area(pX, a, b, above, c.x, 0.85); area(normal, lo, hi, beside, c.z, 0.85);
    const line = (point, density, colour) => {
      g.strokeStyle = colour; g.lineWidth = 2; g.beginPath();
      fine.forEach((v, i) => (i ? g.lineTo(...point(v, density(v))) : g.moveTo(...point(v, density(v))))); g.stroke();
    };
    line(above, pX, c.x); line(beside, normal, c.z);

    // the map, its two lengths on the axes, its handles
    g.save(); g.beginPath(); g.rect(box.left, box.top, box.right - box.left, box.bottom - box.top); g.clip();
    g.strokeStyle = c.ink; g.lineWidth = 2.5; g.beginPath();
    fine.forEach((x, i) => (i ? g.lineTo(at.x(x), at.y(f(x)[0])) : g.moveTo(at.x(x), at.y(f(x)[0])))); g.stroke();
    g.restore();
    const bar = (x0, y0, x1, y1, colour) => {
      g.strokeStyle = colour; g.lineWidth = 5; g.beginPath(); g.moveTo(x0, y0); g.lineTo(x1, y1); g.stroke();
    };
    bar(at.x(a), box.bottom, at.x(b), box.bottom, c.x);
    bar(box.left, at.y(lo), box.left, at.y(hi), c.z);
    KNOTS.forEach((x, i) => {
      g.beginPath(); g.arc(at.x(x), at.y(state.sign * state.heights[i]), i === state.handle ? 8 : 6, 0, 7);
      g.fillStyle = i === state.handle ? c.ink : c.paper; g.strokeStyle = c.ink; g.lineWidth = 2; g.fill(); g.stroke();
    });

    const rows = { x: [m.widthX, m.areaX / m.widthX, m.areaX], z: [m.widthZ, m.areaZ / m.widthZ, m.areaZ] };
    for (const side of ["x", "z"]) rows[side].forEach((v, i) => { cells[side][i].textContent = num(v, i === 2 ? 4 : 3); });
    const times = `${num(Math.abs(m.slope), 3)} × ${num(m.heightZ, 3)} = ${num(m.heightX, 3)}`;
    readout.textContent = `In its middle: slope ${num(m.slope, 3)}, so the density of x is ${times}.`;
    pic.describe(`${state.sign < 0 ? "A decreasing" : "An increasing"} curve from x to z. A slab from x = ${num(m.a)} to ${num(m.b)} `
      + `becomes one from z = ${num(m.c)} to ${num(m.d)}. Area ${num(m.areaX, 4)} under the density of x, `
      + `${num(m.areaZ, 4)} under the density of z. Slope in the middle ${num(m.slope)}.`);
  }

  layout(520);
  let known = 520;
  const watch = new ResizeObserver(() => {
    const available = stage.clientWidth;
    if (available && Math.abs(available - known) > 3) { known = available; layout(available); }
  });
  watch.observe(stage);
  const unwatch = drawWithTheme(draw);
  return () => { watch.disconnect(); unwatch(); };
}

export default { render };
