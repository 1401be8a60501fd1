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

// Everything that the figure says about the slab: [a, b] on the x side, [c, d] on the z side.
function measure(f, centre, width) {
  const a = centre - width / 2, b = centre + width / 2, ends = [f(a)[0], f(b)[0]];
  const [c, d] = [...ends].sort((p, q) => p - q);
  const [middle, slope] = f(centre);
  return { a, b, c, d, widthX: b - a, widthZ: d - c, areaX: integrate(densityX(f), a, b), areaZ: integrate(normal, c, d),
    dz: ends[1] - ends[0], stretch: (d - c) / (b - a), slope, middle, heightX: normal(middle) * Math.abs(slope), heightZ: normal(middle) };
}

const curve = ({ heights, decreasing }) => monotone(KNOTS, heights, decreasing ? -1 : 1);

// What the picture shows, in words.
function words(state) {
  const m = measure(curve(state), state.slab, state.width);
  return `${state.decreasing ? "A decreasing" : "An increasing"} curve from x to z. A slab from x = ${num(m.a)} to ${num(m.b)} `
    + `becomes one from z = ${num(m.c)} to ${num(m.d)}, a stretch of ${num(m.stretch)}. Area ${num(m.areaX, 4)} under the density of x, `
    + `${num(m.areaZ, 4)} under the density of z. Slope in the middle ${num(m.slope)}. `
    + `Dot ${state.handle + 1} of 5 is at z = ${num((state.decreasing ? -1 : 1) * state.heights[state.handle])}.`;
}

// A handle may not pass its neighbours: the map stays one to one.
function clampHeight(heights, i, value) {
  const low = i === 0 ? -LIMIT : heights[i - 1] + GAP;
  const high = i === heights.length - 1 ? LIMIT : heights[i + 1] - GAP;
  return Math.min(high, Math.max(low, value));
}

const PRESETS = {
  "straight": [-2.4, -1.2, 0, 1.2, 2.4],
  "steep in the middle": [-2.7, -2.1, 0, 2.1, 2.7],
  "flat in the middle": [-2.9, -0.3, 0, 0.3, 2.9],
};

function render({ model, el }) {
  const root = frame(el), stage = element(root, "div");
  const [state, close] = shared(model, ["heights", "handle", "slab", "width", "decreasing"], () => draw());
  const sign = () => (state.decreasing ? -1 : 1);
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
    oninput: (v) => { state.handle = v - 1; } });
  const height = slider(first, { label: "its height", min: -LIMIT, max: LIMIT, step: 0.02, value: 0, format: (v) => num(v), oninput: lift });
  const place = slider(second, { label: "slab at x =", min: -2.6, max: 2.6, step: 0.02, value: state.slab,
    format: (v) => num(v), oninput: (v) => { state.slab = v; } });
  const wide = slider(second, { label: "its width", min: 0.04, max: 1.6, step: 0.02, value: state.width,
    format: (v) => num(v), oninput: (v) => { state.width = v; } });
  for (const [text, heights] of Object.entries(PRESETS)) button(third, text, () => { state.heights = [...heights]; });
  const turn = button(third, "decreasing", () => { state.decreasing = !state.decreasing; });
  element(root, "p", "nf-caption", model.get("caption"));

  function lift(value) {
    const heights = [...state.heights];
    heights[state.handle] = Math.round(1e4 * clampHeight(heights, state.handle, sign() * value)) / 1e4;
    state.heights = heights;
    draw();  // also where the dot could not follow: the slider comes back to it
  }

  // Square in the middle: x to the right, z upwards, one unit of x as long as one unit of z.
  function layout(available) {
    const w = Math.round(Math.min(560, Math.max(260, available)));
    const strip = Math.round(0.25 * w), left = 30, gap = 13, right = 2;
    const side = w - left - gap - strip - right, top = 40;
    if (pic) pic.canvas.remove();
    pic = picture(stage, w, top + strip + gap + side + 40);
    box = { left, right: left + side, top: top + strip + gap, bottom: top + strip + gap + side, strip, gap };
    box.at = axes([box.left, box.top, box.right, box.bottom], RANGE, RANGE);
    pic.canvas.addEventListener("pointerdown", (event) => {
      const [px, py] = pic.at(event), touch = event.pointerType === "touch", hit = nearest(px, py, touch ? 28 : 20);
      if (hit >= 0) state.handle = hit;
      else if (px < box.left || px > box.right) return;
      drag = { what: hit >= 0 ? "dot" : "slab", px, waits: touch && hit < 0 };  // a finger may be about to scroll
      pic.canvas.setPointerCapture(event.pointerId);
      move(event);
    });
    pic.canvas.addEventListener("pointermove", (event) => {
      if (drag) move(event);
      else pic.canvas.style.cursor = nearest(...pic.at(event)) >= 0 ? "ns-resize" : "ew-resize";
    });
    pic.canvas.addEventListener("pointerup", (event) => { if (drag) { drag.waits = false; move(event); } drag = null; });
    pic.canvas.addEventListener("pointercancel", () => { drag = null; });
    // A finger on a dot moves the dot; anywhere else it scrolls the page as usual.
    pic.canvas.addEventListener("touchstart", (event) => {
      if (nearest(...pic.at(event.touches[0]), 28) >= 0) event.preventDefault();
    }, { passive: false });
    draw();
  }

  function nearest(px, py, reach = 20) {
    const far = KNOTS.map((x, i) => Math.hypot(px - box.at.x(x), py - box.at.y(sign() * state.heights[i])));
    const best = far.indexOf(Math.min(...far));
    return far[best] < reach ? best : -1;
  }

  function move(event) {
    const [px, py] = pic.at(event);
    if (drag.waits && Math.abs(px - drag.px) < 8) return;
    drag.waits = false;
    if (drag.what === "dot") return lift(box.at.uy(py));
    state.slab = Math.round(100 * Math.min(2.6, Math.max(-2.6, box.at.ux(px)))) / 100;
  }

  function draw() {
    const { g } = pic, c = colours(root), { at } = box;
    const f = curve(state), pX = densityX(f), m = measure(f, state.slab, state.width);
    const floorX = box.top - box.gap, wallZ = box.right + box.gap;
    choose.set(state.handle + 1); height.set(sign() * state.heights[state.handle]);
    place.set(state.slab); wide.set(state.width); turn.setAttribute("aria-pressed", String(state.decreasing));
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
    const border = Array.from({ length: 61 }, (_, i) => a + (i / 60) * (b - a))
      .map((x) => [at.x(x), Math.min(box.bottom, Math.max(box.top, at.y(f(x)[0])))]);
    g.globalAlpha = 0.16; g.fillStyle = c.x;
    g.beginPath(); g.moveTo(at.x(a), box.top); border.forEach((p) => g.lineTo(...p)); g.lineTo(at.x(b), box.top); g.fill();
    g.fillStyle = c.z;
    g.beginPath(); g.moveTo(box.right, border[0][1]); border.forEach((p) => g.lineTo(...p)); g.lineTo(box.right, border[60][1]); g.fill();
    g.globalAlpha = 1;

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
    g.textAlign = "left"; g.textBaseline = "alphabetic"; g.fillText("density of x", box.left, 14);
    g.fillStyle = c.z; g.fillText("z", 4, box.top - 4); g.textAlign = "right"; g.fillText("density of z", pic.width - 2, box.bottom + 16);

    // the two densities, and the slab in them
    area(pX, RANGE[0], RANGE[1], above, c.x, 0.18); area(normal, RANGE[0], RANGE[1], beside, c.z, 0.18);
    area(pX, a, b, above, c.x, 0.85); area(normal, lo, hi, beside, c.z, 0.85);
    const line = (point, density, colour) => {
      g.strokeStyle = colour; g.lineWidth = 2; g.beginPath();
      fine.forEach((v, i) => (i ? g.lineTo(...point(v, density(v))) : g.moveTo(...point(v, density(v))))); g.stroke();
    };
    line(above, pX, c.x); line(beside, normal, c.z);

    // the map
    g.save(); g.beginPath(); g.rect(box.left, box.top, box.right - box.left, box.bottom - box.top); g.clip();
    g.strokeStyle = c.ink; g.lineWidth = 2.5; g.beginPath();
    fine.forEach((x, i) => (i ? g.lineTo(at.x(x), at.y(f(x)[0])) : g.moveTo(at.x(x), at.y(f(x)[0])))); g.stroke();
    g.restore();

    // the stretch: an interval of x, what the map makes of it, and their quotient
    const bar = (x0, y0, x1, y1, colour) => {
      g.strokeStyle = colour; g.lineWidth = 6; g.beginPath(); g.moveTo(x0, y0); g.lineTo(x1, y1); g.stroke();
    };
    bar(at.x(a), box.top - box.gap / 2, at.x(b), box.top - box.gap / 2, c.x);
    bar(box.right + box.gap / 2, at.y(lo), box.right + box.gap / 2, at.y(hi), c.z);
    const say = (text, x, y, colour, align, size = 14) => {
      g.textAlign = align; halo(g, text, x, y, colour, c.paper, `600 ${size}px system-ui, sans-serif`);
    };
    g.textBaseline = "alphabetic";
    const rightOf = m.b < 2.4, over = at.y(hi) > box.top + 20;
    say("Δx", at.x(rightOf ? b : a) + (rightOf ? 5 : -5), box.top + 16, c.x, rightOf ? "left" : "right");
    say("Δz", box.right - 4, over ? at.y(hi) - 5 : at.y(lo) + 16, c.z, "right");
    const top = (density, from, to) => Math.max(...Array.from({ length: 41 }, (_, i) => density(from + (i / 40) * (to - from))));
    say(`area ${num(m.areaX, 3)}`, Math.min(box.right - 38, Math.max(box.left + 36, at.x((a + b) / 2))), floorX - unit * top(pX, a, b) - 6, c.x, "center");
    g.textBaseline = "middle";
    const tip = wallZ + unit * top(normal, lo, hi) + 6, named = `area ${num(m.areaZ, 3)}`;
    g.font = "600 14px system-ui, sans-serif";
    const long = tip + g.measureText(named).width < pic.width - 2 ? named : num(m.areaZ, 3);
    say(long, Math.min(tip, pic.width - 3 - g.measureText(long).width), at.y((lo + hi) / 2), c.z, "left");
    g.textBaseline = "alphabetic";
    say("stretch", wallZ, floorX - 76, c.muted, "left", 13);
    say(`${m.dz < 0 ? "|Δz|" : "Δz"} ${num(m.widthZ)}`, wallZ, floorX - 56, c.z, "left"); say(`Δx ${num(m.widthX)}`, wallZ, floorX - 34, c.x, "left");
    g.strokeStyle = c.ink; g.lineWidth = 1.5; g.beginPath(); g.moveTo(wallZ, floorX - 50); g.lineTo(wallZ + 62, floorX - 50);
    g.stroke();
    say(`= ${num(m.stretch)}`, wallZ, floorX - 4, c.ink, "left", pic.width < 400 ? 20 : 24);

    KNOTS.forEach((x, i) => {
      g.beginPath(); g.arc(at.x(x), at.y(sign() * state.heights[i]), i === state.handle ? 8 : 6, 0, 7);
      g.fillStyle = i === state.handle ? c.ink : c.paper; g.strokeStyle = c.ink; g.lineWidth = 2; g.fill(); g.stroke();
    });

    const rows = { x: [m.widthX, m.areaX / m.widthX, m.areaX], z: [m.widthZ, m.areaZ / m.widthZ, m.areaZ] };
    for (const side of ["x", "z"]) rows[side].forEach((v, i) => { cells[side][i].textContent = num(v, i === 2 ? 4 : 3); });
    const times = `${num(Math.abs(m.slope), 3)} × ${num(m.heightZ, 3)} = ${num(m.heightX, 3)}`;
    readout.textContent = `In its middle: slope ${num(m.slope, 3)}, so the density of x is ${times}.`;
    pic.describe(words(state));
  }

  const unfit = fitted(stage, layout), unwatch = drawWithTheme(draw);
  return () => { unfit(); unwatch(); close(); };
}

export default { render: whenNear(render) };
