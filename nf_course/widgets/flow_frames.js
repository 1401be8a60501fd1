// FlowFrames: points and a grid at every stop of a trained flow. Frame 0 is noise, frame L is data. The stops of a
// continuous flow are times, one for each frame; those of others come after so many layers.

const LINE = 3; // a line at every third node of the grid, so a square has 3 x 3 cells

// Bytes of int16 to frames of positions: [frame][2 i + coordinate].
function unpack(view, frames, unit) {
  const count = view.byteLength / 2 / frames;
  return Array.from({ length: frames }, (_, k) =>
    Float64Array.from({ length: count }, (_, i) => unit * view.getInt16(2 * (k * count + i), true)));
}

// Positions at a place between two stops: the straight way from one to the next.
function between(frames, place) {
  const k = Math.min(Math.floor(place), frames.length - 2), share = place - k;
  if (share === 0) return frames[k];
  if (share === 1) return frames[k + 1];
  return frames[k].map((v, i) => (1 - share) * v + share * frames[k + 1][i]);
}

// How far from 0 the picture reaches to the right and upwards: the grid of noise, nearly all points at both ends, most
// of them at the stops between. What strays further on its way leaves the picture and comes back.
function reach(tracks) {
  return [0, 1].map((axis) => Math.max(3.15, ...tracks.flatMap((frames) => frames.map((f, k) => {
    const far = [...f].filter((_, i) => i % 2 === axis).map(Math.abs);
    return 1.04 * quantile(far, k === 0 || k === frames.length - 1 ? 0.995 : 0.95);
  }))));
}

// Which axis the layer between stops k and k + 1 moves points along: 0, 1, or -1 if both.
function movedAxis(frames, k) {
  const most = [0, 0];
  frames[k].forEach((v, i) => { most[i % 2] = Math.max(most[i % 2], Math.abs(v - frames[k + 1][i])); });
  const tiny = 1e-3;
  return most[0] <= tiny ? 1 : most[1] <= tiny ? 0 : -1;
}

// Area inside a closed polygon [x0, y0, x1, y1, ...].
function area(polygon) {
  let twice = 0;
  for (let i = 0; i < polygon.length; i += 2) {
    const j = (i + 2) % polygon.length;
    twice += polygon[i] * polygon[j + 1] - polygon[j] * polygon[i + 1];
  }
  return Math.abs(twice) / 2;
}

// The outline of the block of cells from node (i, j), `size` cells wide, as a polygon. Node (i, j) is number n i + j.
function outline(nodes, n, i, j, size) {
  const path = [];
  for (let s = 0; s < size; s++) path.push([i + s, j]);
  for (let s = 0; s < size; s++) path.push([i + size, j + s]);
  for (let s = 0; s < size; s++) path.push([i + size - s, j + size]);
  for (let s = 0; s < size; s++) path.push([i, j + size - s]);
  return path.flatMap(([a, b]) => [nodes[2 * (n * a + b)], nodes[2 * (n * a + b) + 1]]);
}

// A square of the grid: its outline at one place, and its probability, which is the same at every place.
function square(nodes, slices, index, size = LINE) {
  const n = slices.length + 1, squares = (n - 1) / size;
  const i = size * Math.floor(index / squares), j = size * (index % squares);
  const sum = (from) => slices.slice(from, from + size).reduce((a, b) => a + b, 0);
  return { polygon: outline(nodes, n, i, j, size), probability: sum(i) * sum(j) };
}

// Area of a square at a stop, from float32 bytes [frame][square].
function areaAt(view, frames, k, index) {
  const squares = view.byteLength / 4 / frames;
  return view.getFloat32(4 * (k * squares + index), true);
}

// The squares nearest to a circle around 0 in noise, by angle: what the second slider runs through.
function ring(squares, radius = 1.1) {
  const found = [], step = 6 / squares, middle = (i) => -3 + step * (i + 0.5);
  for (let i = 0; i < squares; i++) for (let j = 0; j < squares; j++) {
    if (Math.abs(Math.hypot(middle(i), middle(j)) - radius) < step / 2)
      found.push([Math.atan2(middle(j), middle(i)), i * squares + j]);
  }
  return found.sort((a, b) => b[0] - a[0]).map(([, index]) => index);
}

function inside([...polygon], x, y) {
  let odd = false;
  for (let i = 0; i < polygon.length; i += 2) {
    const j = (i + 2) % polygon.length, [x0, y0, x1, y1] = [polygon[i], polygon[i + 1], polygon[j], polygon[j + 1]];
    if ((y0 > y) !== (y1 > y) && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) odd = !odd;
  }
  return odd;
}

// The square that a place of the picture lies in, or the nearest one.
function squareAt(nodes, slices, x, y) {
  let best = 0, least = Infinity;
  for (let index = 0; index < (slices.length / LINE) ** 2; index++) {
    const { polygon } = square(nodes, slices, index);
    if (inside(polygon, x, y)) return index;
    for (let i = 0; i < polygon.length; i += 2) {
      const far = Math.hypot(polygon[i] - x, polygon[i + 1] - y);
      if (far < least) [best, least] = [index, far];
    }
  }
  return best;
}

const short = (v) => (v < 0.0005 ? "less than 0.001" : num(v, v < 0.1 ? 3 : 2));

// A time, to three digits at the most.
const clock = (t) => num(t, 3).replace(/\.?0+$/, "");

// The time at a frame, or on the straight way between two.
function timeAt(times, k, resting) {
  if (resting) return clock(times[Math.round(k)]);
  const before = Math.floor(k);
  return num(times[before] + (k - before) * (times[before + 1] - times[before]));
}

// From where to where the points go.
function journey(way, times) {
  const ends = ["noise", "data"].map((side, i) => (times.length ? `${side} (t = ${clock(times[i ? times.length - 1 : 0])})` : side));
  return (way === "decode" ? ends : ends.reverse()).join(" to ");
}

// Colours that keep classes apart: opposite places of the wheel first, and those that are neither side's.
const classColour = (g) => WHEEL[[1, 3, 0, 2][g % 4]];

// What the picture shows at a stop, in words; `marked` as `square` gives it, `areas` of it in noise and now.
function words({ points, way, place, layers, times, marked, squares }, probability, [, now]) {
  const middle = [Math.floor(marked / squares), marked % squares].map((i) => num(-3 + (6 / squares) * (i + 0.5)));
  const frame = way === "decode" ? place : layers - place;
  return `${points} points on their way from ${journey(way, times)}, ${times.length ? `at t = ${clock(times[frame])}` : `after ${place} of ${layers} layers`}`
    + `${frame === 0 ? ": a round cloud of noise on a square grid" : frame === layers ? ": the shape of the data, the grid bent to it" : ""}. `
    + `The marked square, around z = (${middle.join(", ")}), holds ${num(100 * probability)} % of the probability on an area of ${short(now)}, so its density is ${short(probability / now)}.`;
}

function render({ model, el }) {
  const L = model.get("layers"), times = model.get("times"), timed = times.length > 0, slices = model.get("slices"), groups = model.get("groups");
  const read = (name) => unpack(model.get(name), L + 1, model.get("unit"));
  const grid = read("grid"), n = slices.length + 1, squares = (n - 1) / LINE, around = ring(squares);
  const sets = { decode: read("noise"), encode: read("data") };
  const [right, up] = reach([sets.decode, sets.encode]);
  const angles = (frame) => Array.from({ length: frame.length / 2 }, (_, i) => Math.atan2(frame[2 * i + 1], frame[2 * i]));
  const paint = {
    decode: byColour(angles(sets.decode[0]).map(wheel)),
    encode: byColour(groups.length ? groups.map(classColour) : angles(sets.encode[L]).map(wheel)),
  };
  // `place` counts layers from the start of the present direction; the frame is `place` or L - place. The model's is
  // the stop where the points rest or go to; `shown` is where they are on the screen, `aim` the last stop asked for.
  const [state, close] = shared(model, ["way", "place", "marked"], follow);
  let way = state.way, shown = state.place, aim = shown, moving = 0, playing = false;
  const at = (place) => (way === "decode" ? place : L - place);

  const root = frame(el), stage = element(root, "div");
  const readout = element(root, "p", "nf-readout");
  const first = controls(root), second = controls(root), third = controls(root);
  const ways = {};
  for (const [name, text] of [["decode", "decode: noise → data"], ["encode", "encode: data → noise"]])
    ways[name] = button(first, text, () => { stop(); state.way = name; state.place = 0; });
  const calm = reducedMotion();
  const step = timed ? "Next stop" : "Next layer";
  const play = button(first, calm ? step : "Play", () => (calm ? next() : playing ? stop() : run()));
  play.style.marginLeft = "auto";
  const layer = slider(second, { label: timed ? "time" : "layers applied", min: 0, max: L, step: 1, value: state.place,
    format: (v) => (timed ? `t = ${clock(times[at(v)])}` : `${v} of ${L}`), oninput: (v) => { stop(); state.place = v; } });
  const choose = slider(third, { label: "marked square", min: 1, max: around.length, step: 1, value: 1,
    format: () => (around.includes(state.marked) ? `${around.indexOf(state.marked) + 1} of ${around.length}` : "clicked"),
    oninput: (v) => { state.marked = around[v - 1]; } });
  element(root, "p", "nf-caption", model.get("caption"));

  // Words stand in a strip above the window, in two lines where it is narrow, so that nothing lies on the points.
  let pic, box, strip;
  function layout(available) {
    const width = Math.round(Math.min(Math.min(1, right / up) * 540, Math.max(260, available)));
    strip = width < 400 ? 46 : 28;
    if (pic) pic.canvas.remove();
    pic = picture(stage, width, strip + Math.round((width * up) / right));
    box = axes([0, strip, width, pic.height], [-right, right], [-up, up]);
    pic.canvas.style.cursor = "crosshair";
    pic.canvas.addEventListener("click", (event) => {
      const [px, py] = pic.at(event);
      if (py < strip) return;
      state.marked = squareAt(between(grid, at(shown)), slices, box.ux(px), box.uy(py));
    });
    draw();
  }

  // The model has changed, by a control here, in another view, or from Python.
  function follow() {
    if (way !== state.way) {
      stop();
      way = state.way; shown = aim = state.place;
    } else if (state.place !== aim) {
      stop();
      aim = state.place;
      if (calm) shown = aim; else glide(aim);
    }
    draw();
  }
  function next() { state.place = state.place >= L ? 0 : state.place + 1; }

  // Move smoothly to a stop, at most `pace` milliseconds a layer; then on to the next, while playing.
  function glide(to, pace = 450) {
    const from = shown, long = Math.max(1, Math.min(3, Math.abs(to - from)) * pace);
    let started = null;
    const tick = (now) => {
      started ??= now;
      const share = Math.min(1, (now - started) / long), eased = share * share * (3 - 2 * share);
      shown = share === 1 ? to : from + eased * (to - from);
      moving = share === 1 ? 0 : requestAnimationFrame(tick);
      if (share === 1 && playing) onward();
      draw();
    };
    moving = requestAnimationFrame(tick);
  }
  function run() {
    if (shown >= L) shown = aim = state.place = 0;
    playing = true;
    play.textContent = "Pause";
    onward();
  }
  function onward() {
    if (shown >= L) return stop();
    aim = state.place = Math.floor(shown + 1e-9) + 1;
    glide(aim, 900);
  }
  function stop() {
    cancelAnimationFrame(moving);
    moving = 0; playing = false;
  }

  function draw() {
    const { g } = pic, c = colours(root), k = at(shown), nodes = between(grid, k), share = k / L;
    const side = tone(c, share), stopped = Math.round(shown), resting = shown === stopped;
    pic.clear(c.paper);
    g.save(); g.beginPath(); g.rect(0, strip, pic.width, pic.height - strip); g.clip();

    // density: the probability of each cell over its area now. One path for each of 40 shades is fast to draw.
    const shades = Array.from({ length: 41 }, () => []);
    for (let i = 0; i + 1 < n; i++) for (let j = 0; j + 1 < n; j++) {
      const cell = outline(nodes, n, i, j, 1), density = (slices[i] * slices[j]) / Math.max(area(cell), 1e-9);
      shades[Math.round(40 * Math.sqrt(Math.min(1, density / 0.36)))].push(cell);
    }
    g.lineWidth = 0.7;
    shades.forEach((cells, depth) => {
      if (!depth || !cells.length) return;
      g.beginPath(); cells.forEach(trace);
      g.fillStyle = g.strokeStyle = mix(c.paper, side, (0.62 * depth) / 40); g.fill();
      if (resting) g.stroke();  // closes the seams; half of the drawing time
    });

    // grid: every piece of a line keeps its ink, so it pales where the map stretches it
    const inks = Array.from({ length: 13 }, () => []);
    for (let i = 0; i < n; i += LINE) for (const turned of [false, true]) for (let j = 0; j + 1 < n; j++) {
      const p = 2 * (turned ? n * j + i : n * i + j), q = 2 * (turned ? n * (j + 1) + i : n * i + j + 1);
      const stretch = Math.hypot(nodes[q] - nodes[p], nodes[q + 1] - nodes[p + 1]) / (6 / (n - 1));
      inks[Math.round(12 * Math.min(1, 1 / stretch))].push([p, q]);
    }
    g.strokeStyle = side; g.lineWidth = 0.9; g.lineCap = "round";
    inks.forEach((pieces, ink) => {
      g.globalAlpha = (0.6 * ink) / 12; g.beginPath();
      for (const [p, q] of ink ? pieces : []) {
        g.moveTo(box.x(nodes[p]), box.y(nodes[p + 1])); g.lineTo(box.x(nodes[q]), box.y(nodes[q + 1]));
      }
      g.stroke();
    });
    g.globalAlpha = 1;

    const points = between(sets[way], k), radius = pic.width < 400 ? 2.4 : 3, tint = dark(c.paper) ? 0.3 : 0;
    g.lineWidth = 0.6; g.strokeStyle = c.paper;
    for (const [colour, members] of paint[way]) {
      g.beginPath();
      for (const i of members) {
        const [px, py] = [box.x(points[2 * i]), box.y(points[2 * i + 1])];
        g.moveTo(px + radius, py); g.arc(px, py, radius, 0, 7);
      }
      g.fillStyle = mix(colour, "#ffffff", tint); g.fill(); g.stroke();
    }

    const m = square(nodes, slices, state.marked);
    g.beginPath(); trace(m.polygon);
    g.lineJoin = "round"; g.lineWidth = 5; g.strokeStyle = c.paper; g.stroke();
    g.lineWidth = 2.5; g.strokeStyle = c.ink; g.stroke();
    g.restore();

    // where we are, and which way the next layer moves
    const ends = { 0: ["noise", "z"], [L]: ["data", "x"] }[k];
    const where = timed ? `${ends ? `${ends[0]}, ` : ""}t ${resting ? "=" : "≈"} ${timeAt(times, k, resting)}`
      : ends?.join(", ") ?? (resting ? `after ${stopped} of ${L} layers` : "on the way");
    const narrow = strip > 40;
    g.textAlign = "left"; g.textBaseline = "alphabetic";
    halo(g, where, 2, 18, k === 0 ? c.z : k === L ? c.x : c.muted, c.paper, "600 16px system-ui, sans-serif");
    if (shown < L) {
      const axis = movedAxis(grid, way === "decode" ? Math.floor(k) : Math.ceil(k) - 1);
      const moves = axis === 0 ? "left and right only" : axis === 1 ? "up and down only" : "both ways";
      g.textAlign = narrow ? "left" : "right";
      halo(g, timed ? `from ${journey(way, times)}` : `${resting ? "next" : "this"} layer: ${moves}`, narrow ? 2 : pic.width - 2, narrow ? 38 : 18, c.muted,
        c.paper, "14px system-ui, sans-serif");
    }

    layer.set(state.place);
    if (!playing) play.textContent = state.place >= L ? "Start again" : calm ? step : "Play";
    if (around.includes(state.marked)) choose.set(around.indexOf(state.marked) + 1); else choose.set(choose.value);
    for (const [name, node] of Object.entries(ways)) node.setAttribute("aria-pressed", String(name === way));
    if (resting) { // numbers belong to the stops
      const [start, now] = [0, k].map((frame) => areaAt(model.get("areas"), L + 1, frame, state.marked));
      readout.textContent = `Marked square: always ${num(100 * m.probability)} % of the probability. Area ${short(start)} in z, `
        + `${short(now)} here; density ${short(m.probability / start)} in z, ${short(m.probability / now)} here.`;
      pic.describe(words({ points: points.length / 2, way, place: stopped, layers: L, times, marked: state.marked, squares }, m.probability, [start, now]));
    }

    function trace(polygon) {
      g.moveTo(box.x(polygon[0]), box.y(polygon[1]));
      for (let i = 2; i < polygon.length; i += 2) g.lineTo(box.x(polygon[i]), box.y(polygon[i + 1]));
      g.closePath();
    }
  }

  // Who has asked for less motion sees at once what the film would end with.
  if (model.get("autoplay") && calm && state.way === "decode" && state.place === 0) shown = aim = state.place = L;
  const unfit = fitted(stage, layout, 540), unwatch = drawWithTheme(draw);
  // Once, when it first comes into view, and only where nobody has moved it yet.
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    if (state.way === "decode" && state.place === 0 && !playing) run();
  }, { threshold: 0.6 });
  if (model.get("autoplay") && !calm) seen.observe(stage);
  // On paper nothing will move any more: there the film has come to its end, unless the reader has stopped it on the way.
  const printed = () => { if (way === "encode" || (!playing && state.place)) return; stop(); shown = L; draw(); };
  const after = () => { stop(); shown = aim = state.place; draw(); };
  addEventListener("beforeprint", printed); addEventListener("afterprint", after);
  return () => {
    stop(); seen.disconnect(); unfit(); unwatch(); close();
    removeEventListener("beforeprint", printed); removeEventListener("afterprint", after);
  };
}

export default { render: whenNear(render) };
