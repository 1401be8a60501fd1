// FlowExplorer: a trained flow of the plane (flow_of_the_plane.js), two panes, a point to drag, a row for each layer.

const REACH = 3.5;       // of the sliders for z
const DISC = 0.3;        // radius of the disc around the marked point, in z
const COARSE = 96, FINE = 240;  // shading on the way, where the machine keeps up, and at rest

const circle = ([x, y], radius, n = 160) => Array.from({ length: n }, (_, i) =>
  [x + radius * Math.cos((2 * Math.PI * i) / n), y + radius * Math.sin((2 * Math.PI * i) / n)]).flat();

function area(polygon) {
  let twice = 0;
  for (let i = 0, n = polygon.length; i < n; i += 2)
    twice += polygon[i] * polygon[(i + 3) % n] - polygon[(i + 2) % n] * polygon[i + 1];
  return Math.abs(twice) / 2;
}

// Lines of the square grid of z, each a run of `pieces` short pieces.
function gridOfLines(reach = 3, step = 0.5, pieces = 120) {
  const lines = [], along = Array.from({ length: pieces + 1 }, (_, i) => -reach + (2 * reach * i) / pieces);
  for (let v = -reach; v <= reach + 1e-9; v += step)
    for (const turned of [false, true]) lines.push(along.flatMap((t) => (turned ? [v, t] : [t, v])));
  return { flat: lines.flat(), pieces, step, unit: (2 * reach) / pieces };
}

// For each stop the square that is shown: about 0 and as large as that of z, or larger where the points need it. Where
// that would leave the points in a corner, or make them tiny (data in units of their own), the square around them.
function windows(layers, z) {
  return Array.from({ length: layers.length + 1 }, (_, k) => {
    const { points } = onward(layers, z, k);
    const ends = [0, 1].map((c) => points.filter((_, i) => i % 2 === c))
      .map((v) => [quantile(v, 0.005), quantile(v, 0.995)]);
    const far = k ? 1.05 * Math.max(...ends.flat().map(Math.abs)) : 0;
    const wide = Math.max(1e-9, ...ends.map(([a, b]) => (b - a) / 2)), [x, y] = ends.map(([a, b]) => (a + b) / 2);
    return far < 2 * REACH && wide > 0.3 * REACH ? { x: 0, y: 0, half: 1.06 * Math.max(REACH, far), own: false }
      : { x, y, half: 1.25 * wide, own: true };
  });
}

const sub = (n) => String(n).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
const signed = (v, digits = 2) => (num(v, digits).startsWith("\u2212") ? "" : "+") + num(v, digits);
const short = (v) => (v >= 1e5 || v < 0.005 ? v.toPrecision(2) : num(v, v >= 100 ? 0 : v >= 10 ? 1 : v >= 0.1 ? 2 : 3));
const coordinates = (point) => `(${point.map((v) => num(v, Math.abs(v) >= 100 ? 1 : 2)).join(", ")})`;

function render({ model, el }) {
  const layers = unpack(model.get("parts"), model.get("weights")), L = layers.length;
  const groups = model.get("groups"), classes = [...new Set(groups)].sort((a, b) => a - b);
  const z0 = { samples: floats(model.get("samples")), data: back(layers, floats(model.get("data"))).points };
  const byAngle = (z) => Array.from({ length: z.length / 2 }, (_, i) => wheel(Math.atan2(z[2 * i + 1], z[2 * i])));
  const byClass = () => groups.map((g) => wheel(2 * Math.PI * (0.25 + classes.indexOf(g) / classes.length)));
  const hues = { samples: byAngle(z0.samples), data: groups.length ? byClass() : byAngle(z0.data) };
  const paint = { samples: byColour(hues.samples), data: byColour(hues.data) };
  const everywhere = [...z0.samples, ...z0.data], views = windows(layers, everywhere), lines = gridOfLines();
  const levels = Array.from({ length: L + 1 }, (_, k) => { // log-densities of the samples at each stop
    const { ladj } = onward(layers, z0.samples, k);
    return ladj.map((v, i) => v + logNormal(z0.samples[2 * i], z0.samples[2 * i + 1]));
  });
  const usual = [Math.min(...levels.map((v) => quantile(v, 0.1))), Math.max(...levels.map((v) => Math.max(...v)))];
  const tops = levels.map((v) => Math.exp(quantile(v, 0.8)));
  const atPlace = (list, place, value = (v) => v) => {
    const k = Math.min(L - 1, Math.floor(place)), share = place - k;
    return (1 - share) * value(list[k]) + share * value(list[k + 1]);
  };
  const view = (place) => {
    const [x, y, half] = ["x", "y", "half"].map((name) => atPlace(views, place, (w) => w[name]));
    return { x, y, half };
  };
  // the density of full colour: one for all stops, so that darker is denser, unless data have units of their own
  const own = views.some((w) => w.own);
  const topAt = (place) => (own ? Math.exp(atPlace(tops, place, Math.log)) : Math.max(0.2, tops[L]));

  const [state, close] = shared(model, ["layer", "z", "show"], follow);
  let place = state.layer, goal = place, moving = 0, playing = false, hover = null, asked = 0, tried = false;
  const later = () => { asked ||= requestAnimationFrame(() => { asked = 0; draw(); }); };

  const root = frame(el), stage = element(root, "div");
  const first = controls(root), still = reducedMotion();
  const layer = slider(first, { label: "layers applied", min: 0, max: L, step: 1, value: place,
    format: (v) => `${v} of ${L}`, oninput: (v) => { playing = false; state.layer = v; } });
  const play = button(first, still ? "Next layer" : "Play", () => {
    if (still) { state.layer = state.layer >= L ? 0 : state.layer + 1; return; }
    playing = !playing;
    if (playing && place >= L) { place = 0; state.layer = 0; }
    if (playing) state.layer = Math.floor(place + 1e-9) + 1;
    follow();
  });
  const lower = element(root, "div"), readout = element(root, "p", "nf-readout");
  const second = controls(root), third = controls(root);
  const lineOf = [0, 1, 2, 3].map(() => element(readout, "span"));
  const sliders = [0, 1].map((c) => slider(second, { label: `z${sub(c + 1)}`, min: -REACH, max: REACH, step: 0.01,
    value: state.z[c], format: (v) => num(v),
    oninput: (v) => { state.z = state.z.map((old, i) => (i === c ? v : old)); } }));
  element(third, "span", "", "points");
  const shows = ["samples", "data", "none"].map((name) => [name, button(third, name, () => { state.show = name; })]);
  element(root, "p", "nf-caption", model.get("caption"));

  // ---- the two panes: a scene that stays while the marked point moves, and what moves on top of it
  let panes = [], chart = null, lineHeight = 18;
  function layout(available) {
    const wide = available >= 520, gap = 12;
    stage.replaceChildren(); lower.replaceChildren(); panes = [];
    stage.style.cssText = `display:flex;flex-wrap:${wide ? "nowrap" : "wrap"};gap:${gap}px`;
    const half = Math.floor((available - gap) / 2);
    const sides = wide ? [half, half] : [Math.round(0.48 * available), available];
    sides.forEach((side, which) => {
      const holder = element(stage, "div");
      holder.style.cssText = wide ? "flex:1 1 0;min-width:0" : `flex:none;width:${which ? 100 : 48}%`;
      const pic = picture(holder, side, side), scene = document.createElement("canvas");
      scene.width = pic.canvas.width; scene.height = pic.canvas.height;
      const ink = scene.getContext("2d");
      ink.scale(scene.width / side, scene.height / side);
      panes.push({ pic, scene, ink, side, which, place: () => (which ? place : 0), key: "" });
      listen(panes[which]);
      if (!wide && !which) { readout.style.cssText = "flex:1 1 0;min-width:0;margin:0"; stage.append(readout); }
    });
    if (wide) { readout.style.cssText = ""; lower.after(readout); }
    for (const line of lineOf) line.style.display = wide ? "" : "block";
    chart = picture(lower, available, 26 + lineHeight * (L + 2));
    chart.canvas.style.marginTop = "0.5rem"; chart.canvas.style.cursor = "pointer";
    chart.canvas.addEventListener("click", (event) => {
      const row = Math.floor((chart.at(event)[1] - 24) / lineHeight);
      if (row >= 0 && row <= L + 1) { playing = false; state.layer = Math.min(L, row); }
    });
    draw();
  }

  const scale = (pane) => {
    const { x, y, half } = view(pane.place());
    return axes([0, 0, pane.side, pane.side], [x - half, x + half], [y - half, y + half]);
  };
  // Where a pointer is, as a latent: through the layers backwards in the right pane.
  function latent(pane, event) {
    const [px, py] = pane.pic.at(event), to = scale(pane);
    return [...back(layers, [to.ux(px), to.uy(py)], pane.place()).points];
  }
  function near(pane, event) {
    const [px, py] = pane.pic.at(event), to = scale(pane), [x, y] = onward(layers, state.z, pane.place()).points;
    return Math.hypot(px - to.x(x), py - to.y(y)) < 22;
  }
  function mark(pane, event) {
    tried = true;
    state.z = latent(pane, event).map((v) => Math.min(REACH, Math.max(-REACH, Math.round(1e4 * v) / 1e4)));
  }
  function listen(pane) {
    const { canvas } = pane.pic;
    let held = false;
    canvas.style.cursor = "crosshair";
    canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "touch" && !near(pane, event)) return;
      held = true; hover = null;
      canvas.setPointerCapture(event.pointerId);
      mark(pane, event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (held) return mark(pane, event);
      if (event.pointerType === "touch") return;
      canvas.style.cursor = near(pane, event) ? "grab" : "crosshair";
      hover = near(pane, event) ? null : { z: latent(pane, event), which: pane.which };
      later();
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { held = false; });
    canvas.addEventListener("pointerleave", () => { hover = null; later(); });
    canvas.addEventListener("click", (event) => mark(pane, event)); // a tap, which scrolls nothing
    canvas.addEventListener("touchstart", (event) => {
      if (near(pane, event.touches[0])) event.preventDefault();
    }, { passive: false });
  }

  // Shading: coarse on the way, and at a stop finer, a few rows at a time, so that the page never waits for it.
  const fine = new Map([[0, density(layers, 0, view(0), FINE)]]);
  let refining = 0, coarse = COARSE;
  function refine() {
    clearTimeout(refining);
    const k = place;
    if (k !== Math.round(k) || fine.has(k)) return;
    const into = new Float32Array(FINE * FINE);
    let row = 0;
    const some = () => {
      const started = performance.now();
      for (; row < FINE && performance.now() - started < 10; row += 6)
        density(layers, k, view(k), FINE, into, row, Math.min(FINE, row + 6));
      if (row < FINE) { refining = setTimeout(some, 0); return; }
      fine.set(k, into);
      later();
    };
    refining = setTimeout(some, 60);
  }
  const shadeOn = document.createElement("canvas");
  function shade(pane, colour) {
    const at = pane.place(), known = fine.get(at), n = known ? FINE : coarse;
    const values = known || density(layers, at, view(at), n);
    const [r, g, b] = rgb(colour), top = topAt(at);
    shadeOn.width = shadeOn.height = n;
    const brush = shadeOn.getContext("2d"), image = brush.createImageData(n, n), { data } = image;
    for (let i = 0; i < values.length; i++) {
      data[4 * i] = r; data[4 * i + 1] = g; data[4 * i + 2] = b;
      data[4 * i + 3] = 200 * Math.sqrt(Math.min(1, values[i] / top));
    }
    brush.putImageData(image, 0, 0);
    pane.ink.imageSmoothingQuality = "high";
    pane.ink.drawImage(shadeOn, 0, 0, pane.side, pane.side);
  }

  function paintScene(pane, c) {
    const at = pane.place(), colour = tone(c, at / L), key = [at, colour, c.paper, state.show, fine.has(at)].join();
    if (key === pane.key) return;
    pane.key = key;
    const { ink: g, side } = pane, to = scale(pane);
    g.fillStyle = c.paper; g.fillRect(0, 0, side, side);
    shade(pane, colour);

    // every piece of a line keeps its ink, so the grid pales where the flow stretches it; and where lines crowd
    const { points, ladj } = onward(layers, lines.flat, at), run = 2 * (lines.pieces + 1), unit = to.x(1) - to.x(0);
    const shades = Array.from({ length: 9 }, () => []);
    for (let s = 0; s < points.length; s += run) for (let i = s; i < s + run - 2; i += 2) {
      const stretch = Math.hypot(points[i + 2] - points[i], points[i + 3] - points[i + 1]) / lines.unit;
      const apart = (unit * lines.step * Math.exp(-ladj[i >> 1])) / stretch; // in pixels: area over length
      shades[Math.round(8 * Math.min(1, (1.3 * side) / (2 * REACH * unit * stretch)) * Math.min(1, apart / 5))].push(i);
    }
    g.strokeStyle = mix(colour, c.ink, 0.35); g.lineWidth = 0.9;
    shades.forEach((members, depth) => {
      if (!depth || !members.length) return;
      g.globalAlpha = (0.75 * depth) / 8; g.beginPath();
      for (const i of members) {
        g.moveTo(to.x(points[i]), to.y(points[i + 1])); g.lineTo(to.x(points[i + 2]), to.y(points[i + 3]));
      }
      g.stroke();
    });
    g.globalAlpha = 1;

    if (state.show !== "none") {
      const cloud = onward(layers, z0[state.show], at).points;
      const radius = side < 200 ? 1.6 : 2.5, tint = dark(c.paper) ? 0.35 : 0;
      g.lineWidth = 0.8; g.strokeStyle = c.paper;
      for (const [hue, members] of paint[state.show]) {
        g.beginPath();
        for (const i of members) {
          const [px, py] = [to.x(cloud[2 * i]), to.y(cloud[2 * i + 1])];
          g.moveTo(px + radius, py); g.arc(px, py, radius, 0, 7);
        }
        g.fillStyle = mix(hue, "#ffffff", tint); g.stroke(); g.fill();
      }
    }
    // how long one unit is, since some stops are shown from further away
    const length = 10 ** Math.floor(Math.log10(view(at).half / 2.5)), right = side - 12, left = right - length * unit;
    g.strokeStyle = c.muted; g.lineWidth = 1.5; g.beginPath();
    for (const [px, py] of [[left, 16], [left, 10], [right, 10], [right, 16]]) g.lineTo(px, side - py);
    g.stroke();
    g.textAlign = "center"; g.textBaseline = "alphabetic";
    halo(g, String(length), (left + right) / 2, side - 14, c.muted, c.paper, "13px system-ui, sans-serif");
    g.strokeStyle = c.line; g.lineWidth = 1; g.strokeRect(0.5, 0.5, side - 1, side - 1);
  }

  // ---- moving
  function follow() {
    layer.set(state.layer);
    sliders.forEach((s, c) => s.set(state.z[c]));
    if (moving && goal === state.layer) return; // what moves draws
    cancelAnimationFrame(moving);
    moving = 0; goal = state.layer;
    if (still) place = goal;
    if (place === goal) { playing = playing && place < L; return draw(); }
    const from = place, long = playing ? 1000 : 420 * Math.min(3, Math.max(1, Math.abs(goal - from)));
    let started = null;
    const tick = (now) => {
      started ??= now;
      const share = Math.min(1, (now - started) / long);
      place = share === 1 ? goal : from + share * share * (3 - 2 * share) * (goal - from);
      moving = share === 1 ? 0 : requestAnimationFrame(tick);
      playing = playing && (place < L || moving > 0);
      draw();
      if (!moving && playing) state.layer = goal + 1;
    };
    moving = requestAnimationFrame(tick);
  }

  function draw() {
    const started = performance.now(), c = colours(root), at = journey(layers, state.z), name = (k) => `h${sub(L - k)}`;
    const stop = Math.round(place), resting = place === stop, disc = circle(state.z, DISC), colour = tone(c, place / L);
    play.textContent = still ? "Next layer" : playing ? "Pause" : "Play";
    for (const [which, node] of shows) node.setAttribute("aria-pressed", String(which === state.show));

    for (const pane of panes) {
      const { pic: { g }, side, which } = pane, to = scale(pane), now = pane.place();
      const trace = (points) => {
        for (let i = 0; i < points.length; i += 2) g.lineTo(to.x(points[i]), to.y(points[i + 1]));
      };
      const blob = (polygon, width) => {
        g.beginPath(); trace(polygon); g.closePath(); g.lineJoin = "round";
        g.globalAlpha = 0.6; g.lineWidth = width + 2; g.strokeStyle = c.paper; g.stroke();
        g.globalAlpha = 0.28; g.fillStyle = c.ink; g.fill(); g.globalAlpha = 1;
        g.lineWidth = width; g.strokeStyle = c.ink; g.stroke();
      };
      paintScene(pane, c);
      g.drawImage(pane.scene, 0, 0, side, side);
      if (which) { // the way of the marked point through all stops
        g.strokeStyle = c.ink; g.lineWidth = 1.4; g.globalAlpha = 0.55; g.setLineDash([2, 4]);
        g.beginPath(); trace(at.stops.flat()); g.stroke();
        g.setLineDash([]); g.fillStyle = c.ink;
        g.beginPath();
        for (const [x, y] of at.stops) { g.moveTo(to.x(x), to.y(y)); g.arc(to.x(x), to.y(y), 2.4, 0, 7); }
        g.fill(); g.globalAlpha = 1;
      }
      if (hover) blob(onward(layers, circle(hover.z, DISC), now).points, 1);
      blob(onward(layers, disc, now).points, 1.6);
      const [x, y] = onward(layers, state.z, now).points;
      g.beginPath(); g.arc(to.x(x), to.y(y), 4.5, 0, 7);
      g.fillStyle = c.ink; g.strokeStyle = c.paper; g.lineWidth = 2; g.fill(); g.stroke();

      const size = side < 200 ? 14 : 16, small = "13px system-ui, sans-serif", bold = `600 ${small}`;
      const title = !which ? "z, noise" : place === L ? "x, data" : place === 0 ? "still z"
        : resting ? `after ${stop} of ${L} layers: ${name(stop)}` : `layer ${Math.ceil(place)} of ${L}`;
      g.textAlign = "left"; g.textBaseline = "alphabetic";
      halo(g, title, 10, 10 + size, which ? colour : c.z, c.paper, `600 ${size}px system-ui, sans-serif`);
      if (which && place < L) {
        const next = Math.floor(place), { M, keep } = layers[next];
        const moves = `f${sub(L - next)} moves ${M ? "both ways" : keep ? "left and right" : "up and down"}`;
        halo(g, resting ? `next: ${moves}` : moves, 10, side - 12, c.muted, c.paper, small);
      }
      if (!tried && !hover && !moving) halo(g, "drag", to.x(x) + 16, to.y(y) + 5, c.ink, c.paper, bold);
      if (hover) {
        const [hx, hy] = onward(layers, hover.z, now).points, px = to.x(hx), py = to.y(hy);
        g.fillStyle = c.ink; g.beginPath(); g.arc(px, py, 2.5, 0, 7); g.fill();
        if (which === hover.which) {
          const text = `log-det ${signed(onward(layers, hover.z, place).ladj[0])}`;
          g.font = bold;
          const room = g.measureText(text).width, left = px + 14 + room > side ? px - 14 - room : px + 14;
          halo(g, text, left, Math.max(20, py - 10), c.ink, c.paper, bold);
        }
      }
    }
    drawChart(c, at, colour);
    words(at, stop, name);
    if (moving && performance.now() - started > 22) coarse = Math.max(40, Math.round(0.8 * coarse)); // a slow machine
    if (resting && !moving) refine();
  }

  // One row for each term of the sum: its own length, and where the sum has got to.
  function drawChart(c, { stops, ladjs, base }, colour) {
    const { g, width } = chart, top = 24, row = (i) => top + lineHeight * (i + 0.5), small = width < 420;
    const sums = [base]; for (const v of ladjs) sums.push(sums[sums.length - 1] + v);
    const low = Math.min(usual[0], ...sums), high = Math.max(usual[1], ...sums);
    const names = 58, own = small ? 110 : 264, left = own + 18, right = width - 60;
    const to = (v) => left + ((v - low) / (high - low)) * (right - left);
    chart.clear(c.paper);
    g.textBaseline = "middle"; g.lineCap = "butt";
    const text = (words, x, y, align, ink, weight = 400) => {
      g.font = `${weight} 13px system-ui, sans-serif`; g.textAlign = align; g.fillStyle = ink; g.fillText(words, x, y);
    };
    text(small ? "log-det" : "each layer\u2019s log-det, at its own point", own, 11, "right", c.muted);
    text(small ? "adding up" : "adding up, from log p(z) to log p(x)", (left + right) / 2, 11, "center", c.muted);
    text("sum", width - 4, 11, "right", c.muted);
    for (let i = 0; i < L + 2; i++) {
      const end = i === 0 || i === L + 1, share = end ? 1 : Math.min(1, Math.max(0, place - i + 1)), y = row(i);
      const done = share === 1, ink = done ? c.ink : c.muted;
      if (i && i === Math.round(place)) {
        g.globalAlpha = 0.12; g.fillStyle = colour;
        g.fillRect(0, y - lineHeight / 2, width, lineHeight); g.globalAlpha = 1;
      }
      if (end) {
        const v = i ? sums[L] : base, side = i ? c.x : c.z;
        text(i ? "log p(x)" : "log p(z)", names, y, "right", side, 600);
        text(num(v), width - 4, y, "right", side, 600);
        g.fillStyle = side; g.fillRect(to(v) - 2, y - 7, 4, 14);
      } else {
        const [a, b] = [to(sums[i - 1]), to(sums[i])];
        text(`f${sub(L - i + 1)}`, names, y, "right", ink);
        const name = i === L ? "x" : `h${sub(L - i)}`;
        if (!small) text(`at ${name} = ${coordinates(stops[i])}`, names + 10, y, "left", ink);
        text(signed(ladjs[i - 1]), own, y, "right", ink, done ? 600 : 400);
        text(num(sums[i]), width - 4, y, "right", ink);
        if (share < 1) {
          g.strokeStyle = c.muted; g.lineWidth = 1; g.setLineDash([2, 2]);
          g.strokeRect(Math.min(a, b), y - 5, Math.abs(b - a), 10); g.setLineDash([]);
        }
        g.fillStyle = tone(c, i / L);
        g.fillRect(Math.min(a, a + share * (b - a)), y - 5.5, share * Math.abs(b - a), 11);
      }
      if (i > L) continue;
      g.strokeStyle = c.muted; g.lineWidth = 1; g.beginPath(); // the next bar begins where this one ends
      g.moveTo(to(sums[i]), y + 6); g.lineTo(to(sums[i]), y + lineHeight - 6); g.stroke();
    }
    const each = ladjs.map((v) => signed(v)).join(", ");
    chart.describe(`Log-determinants of the ${L} layers at the marked point, from noise to data: ${each}. `
      + `Added to log p(z) = ${num(base)} they give log p(x) = ${num(sums[L])}.`);
  }

  // In words, for all: where the marked point is, its density, and its disc's area, foretold and measured.
  function words(at, stop, name) {
    const sum = at.ladjs.slice(0, stop).reduce((a, b) => a + b, 0), target = stop === L ? "x" : stop ? name(stop) : "z";
    const spot = hover ? hover.z : state.z, ladj = onward(layers, spot, place).ladj[0], ratio = Math.exp(-ladj);
    const disc = circle(spot, DISC), measured = area(onward(layers, disc, place).points) / area(disc);
    const [start, where] = [state.z, at.stops[stop]].map(coordinates);
    const adds = [num(at.base), sum < 0 ? "\u2212" : "+", num(Math.abs(sum)), "=", num(at.base + sum)].join("\u00a0");
    [`z = ${start} `, stop ? `\u2192 ${target} = ${where}. ` : "before the first layer. ",
      `log p(${target}) = ${stop ? adds : num(at.base)}. `,
      `${hover ? "Disc under the pointer" : "Disc"}: log-det ${signed(ladj)}, so area \u00d7\u00a0${short(ratio)}; `
        + `measured, \u00d7\u00a0${short(measured)}.`].forEach((text, i) => { lineOf[i].textContent = text; });
    panes[0].pic.describe("The latent plane with a square grid, the standard normal density, and the marked point "
      + `z = ${start}.`);
    panes[1].pic.describe(`The same grid, points and density after ${stop} of ${L} layers. The marked point is at `
      + `${where}, with log-density ${num(at.base + sum)}; a small disc around z has become ${short(ratio)} times `
      + "as large.");
  }

  const unfit = fitted(stage, layout, Math.floor(stage.clientWidth) || 560), unwatch = drawWithTheme(draw);
  return () => {
    close(); unfit(); unwatch();
    cancelAnimationFrame(moving); cancelAnimationFrame(asked); clearTimeout(refining);
  };
}

export default { render: whenNear(render) };
