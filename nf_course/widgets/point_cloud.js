// PointCloud: points in space, turned by hand, sliding between frames. A pixel is written at most once a disc: no WebGL.

const EYE = 4, FOG = 0.68;
const VIRIDIS = ["#440154", "#48186a", "#472d7b", "#424086", "#3b528b", "#33638d", "#2c728e", "#26828e", "#21918c",
  "#1fa088", "#28ae80", "#3fbc73", "#5ec962", "#84d44b", "#addc30", "#d8e219", "#fde725"];

// A share from 0 to 1 to a colour: viridis without its palest end on white paper, without its darkest on black.
function viridis(share, onDark = false) {
  const at = 16 * (onDark ? 0.3 + 0.7 * share : 0.9 * share), i = Math.min(15, Math.floor(at));
  return mix(VIRIDIS[i], VIRIDIS[i + 1], at - i);
}

// Bytes of int16 to frames of positions about the centre, [frame][3 i + coordinate].
function unpack(view, frames, unit) {
  const count = view.byteLength / 2 / frames;
  return Array.from({ length: frames }, (_, k) =>
    Float32Array.from({ length: count }, (_, i) => unit * view.getInt16(2 * (k * count + i), true)));
}

// Positions between two frames: the straight way from one to the next.
function between(frames, place) {
  const k = Math.min(Math.floor(place), frames.length - 1), share = place - k;
  if (!share) return frames[k];
  const from = frames[k], to = frames[k + 1], out = new Float32Array(from.length);
  for (let i = 0; i < out.length; i++) out[i] = from[i] + share * (to[i] - from[i]);
  return out;
}

// R: its rows are the directions right, up and towards the eye.
function rotation(azimuth, elevation, up) {
  const a = (azimuth * Math.PI) / 180, e = (elevation * Math.PI) / 180;
  const [ca, sa, ce, se] = [Math.cos(a), Math.sin(a), Math.cos(e), Math.sin(e)];
  const rows = [[-sa, ca, 0], [-se * ca, -se * sa, ce], [ce * ca, ce * sa, se]];
  return up === "z" ? rows : rows.map(([p, q, r]) => [q, r, p]);  // z, x, y take the parts of x, y, z
}

// Points about the centre to right, up (in units of reach) and depth towards the eye, three numbers each.
function project(points, R, reach, out = new Float32Array(points.length)) {
  const [[a, b, c], [d, e, f], [g, h, k]] = R;
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i] / reach, y = points[i + 1] / reach, z = points[i + 2] / reach;
    const depth = g * x + h * y + k * z, larger = EYE / (EYE - depth);
    out[i] = larger * (a * x + b * y + c * z); out[i + 1] = larger * (d * x + e * y + f * z); out[i + 2] = depth;
  }
  return out;
}

const nearness = (depth) => Math.min(1, Math.max(0, (depth + 0.8) / 1.6));
const turned = (azimuth) => (Math.abs(azimuth) <= 180 ? azimuth : ((((azimuth + 180) % 360) + 360) % 360) - 180);

// A round number, 1, 2 or 5 times a power of ten: from three to eight of them make the extent.
function roundStep(extent) {
  const rough = Math.max(extent, 1e-9) / 8, power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((m) => m * power >= rough);
}

// A grid under the points: pairs of ends about the centre, along the first ground axis, then along the second.
function groundOf(frames, centre, reach, up) {
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  for (const points of frames) for (let i = 0; i < points.length; i++) {
    const v = Math.min(reach, Math.max(-reach, points[i])), axis = i % 3;
    if (v < low[axis]) low[axis] = v;
    if (v > high[axis]) high[axis] = v;
  }
  const [u, v, w] = up === "z" ? [0, 1, 2] : [2, 0, 1], step = roundStep(Math.max(high[u] - low[u], high[v] - low[v]));
  const places = (axis) => {  // the edges, and round numbers between them
    const [from, to] = [low[axis] + centre[axis], high[axis] + centre[axis]], inner = [];
    for (let i = Math.ceil(from / step + 0.1); i <= Math.floor(to / step - 0.1); i++) inner.push(i * step - centre[axis]);
    return [low[axis], ...inner, high[axis]];
  };
  const lines = (along, across) => places(across).map((fixed) => [low[along], high[along]].map((end) => {
    const point = [0, 0, 0];
    point[along] = end; point[across] = fixed; point[w] = low[w];
    return point;
  }));
  return { step, axes: [u, v, w], alongU: lines(u, v), alongV: lines(v, u), top: high[w] };
}

// Rows of a disc of whole pixels: [dy, half width].
function disc(radius) {
  const rows = [];
  for (let dy = -Math.floor(radius); dy <= radius; dy++) rows.push([dy, Math.floor(Math.sqrt(radius * radius - dy * dy))]);
  return rows;
}
function stamp(pixels, width, height, x, y, rows, colour) {
  for (const [dy, half] of rows) {
    const line = y + dy;
    if (line < 0 || line >= height) continue;
    const start = line * width + Math.max(0, x - half), end = line * width + Math.min(width - 1, x + half);
    for (let p = start; p <= end; p++) pixels[p] = colour;
  }
}

// Numbers of the points from the farthest to the nearest, by counting: 256 layers are fine enough.
function farFirst(seen, order) {
  const count = order.length, start = new Uint32Array(257);
  const layer = (i) => (255.999 * Math.min(1, Math.max(0, (seen[3 * i + 2] + 1.5) / 3))) | 0;
  for (let i = 0; i < count; i++) start[layer(i) + 1]++;
  for (let k = 0; k < 256; k++) start[k + 1] += start[k];
  for (let i = 0; i < count; i++) order[start[layer(i)]++] = i;
  return order;
}

const packed = ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r;  // as a canvas holds a pixel

function ends(low, high) {
  const digits = Math.min(3, Math.max(0, 2 - Math.floor(Math.log10(Math.max(high - low, 1e-9)))));
  return [num(low, digits), num(high, digits)];
}

function inWords(get, place, azimuth, elevation) {
  const names = get("names"), k = Math.floor(place), whole = place === k;
  const where = whole ? `“${names[k]}”` : `between “${names[k]}” and “${names[k + 1]}”`;
  const at = get("frames") > 1 ? `, ${get("frame_name")} ${where}` : "";
  let text = `${get("points").byteLength / 6 / get("frames")} points${at}, `
    + `seen from azimuth ${num(azimuth, 0)}°, elevation ${num(elevation, 0)}°.`;
  if (get("paint") === "values") text += ` Coloured by ${get("value_name")}, ${ends(get("low"), get("high")).join(" to ")}.`;
  if (get("paint") === "classes") text += ` Colours: ${get("classes").join(", ")}.`;
  return `${get("about")} ${text}`.trim();
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const F = get("frames"), frames = unpack(get("points"), F, get("unit")), N = frames[0].length / 3;
  const reach = get("reach"), up = get("up"), labels = get("labels"), names = get("names"), paint = get("paint");
  const values = get("values"), kinds = get("classes").length;
  const ground = groundOf(frames, get("centre"), reach, up), seen = new Float32Array(3 * N), order = new Uint32Array(N);
  const [state, close] = shared(model, ["azimuth", "elevation", "frame"], follow);
  // What is drawn may be on its way to the state: `place` glides to state.frame, `azimuth` runs on while the cloud turns.
  const view = { place: state.frame, azimuth: state.azimuth };
  let goal = state.frame, known = state.azimuth, gliding = 0, turning = 0, drag = null, pic, sheet, pixels, unit;

  const root = frame(el), title = F > 1 && element(root, "p", "nf-readout"), stage = element(root, "div");
  if (title) title.style.cssText = "margin:0 0 0.3rem;font-weight:600;text-align:center";
  const legend = element(root, "div");
  legend.style.cssText = "display:flex;flex-wrap:wrap;justify-content:center;align-items:center;gap:0.15rem 0.9rem;"
    + "margin:0.3rem 0;font-size:14px";
  const first = F > 1 && controls(root), second = controls(root);
  const still = reducedMotion();
  const nameAt = (v, k = Math.floor(v)) => (v === k ? names[k] : `${names[k]} → ${names[k + 1]}`);
  const walk = F > 1 && slider(first, { label: get("frame_name"), min: 0, max: F - 1, step: 0.02, value: state.frame,
    format: (v) => `${num(v + 1, Number.isInteger(v) ? 0 : 1)} of ${F}`,
    oninput: (v) => { settle(); view.place = goal = Math.abs(v - Math.round(v)) < 0.03 ? Math.round(v) : v; state.frame = goal; } });
  // A key goes on to the next whole frame; a hand may stop between two.
  if (walk) walk.input.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    state.frame = Math.min(F - 1, Math.max(0, step > 0 ? Math.floor(state.frame) + 1 : Math.ceil(state.frame) - 1));
  });
  const degrees = (v) => `${num(v, 0)}°`;
  const around = slider(second, { label: "azimuth", min: -180, max: 180, step: 1, value: state.azimuth, format: degrees,
    oninput: (v) => turnTo(v, state.elevation) });
  const above = slider(second, { label: "elevation", min: -90, max: 90, step: 1, value: state.elevation, format: degrees,
    oninput: (v) => turnTo(view.azimuth, v) });
  for (const { input } of [around, above]) { input.style.width = "6rem"; input.parentElement.style.flexBasis = "12rem"; }
  const spin = still ? null : button(second, "turn slowly", () => (turning ? rest() : run()));
  element(root, "p", "nf-caption", get("caption"));

  function turnTo(azimuth, elevation) {
    rest();
    view.azimuth = Math.round(10 * turned(azimuth)) / 10;
    state.azimuth = view.azimuth;
    state.elevation = Math.min(90, Math.max(-90, elevation));
  }

  function run() {
    spin.textContent = "stop";
    let last = null;
    const tick = (now) => {
      turning = requestAnimationFrame(tick);
      const { top, bottom } = pic.canvas.getBoundingClientRect();
      if (last !== null && bottom > 0 && top < window.innerHeight) {
        view.azimuth = turned(view.azimuth + (18 * Math.min(100, now - last)) / 1000);  // a turn in 20 seconds
        draw();
      }
      last = now;
    };
    turning = requestAnimationFrame(tick);
  }
  function rest() {
    if (!turning) return;
    cancelAnimationFrame(turning);
    turning = 0;
    spin.textContent = "turn slowly";
    state.azimuth = view.azimuth;
  }

  // The state has changed, by whoever: take over its view, glide to its frame.
  function follow() {
    if (state.azimuth !== known) view.azimuth = known = state.azimuth;
    if (state.frame !== goal) { goal = state.frame; glide(); }
    draw();
  }
  function glide() {
    settle();
    if (still) { view.place = goal; return; }
    const from = view.place, long = 350 + 350 * Math.min(2, Math.abs(goal - from));
    let started = null;
    const tick = (now) => {
      started ??= now;
      const share = Math.min(1, (now - started) / long);
      view.place = share === 1 ? goal : from + share * share * (3 - 2 * share) * (goal - from);
      gliding = share === 1 ? 0 : requestAnimationFrame(tick);
      draw();
    };
    gliding = requestAnimationFrame(tick);
  }
  function settle() { cancelAnimationFrame(gliding); gliding = 0; }

  function layout(available) {
    const width = Math.max(240, Math.min(560, available)), height = Math.round(Math.min(width, 460));
    if (pic) pic.canvas.remove();
    pic = picture(stage, width, height);
    unit = 0.43 * height;
    if (title) {  // room for the longest pair of names, so that nothing below jumps
      pic.g.font = "600 15px system-ui, sans-serif";
      const longest = Math.max(...names.map((_, k) => pic.g.measureText(nameAt(Math.min(k + 0.5, F - 1))).width));
      title.style.minHeight = `${1.45 * Math.ceil((1.1 * longest) / available)}em`;
    }
    const { canvas } = pic;
    canvas.tabIndex = 0;
    canvas.style.cursor = "grab";
    sheet = document.createElement("canvas");
    Object.assign(sheet, { width: canvas.width, height: canvas.height });
    pixels = new ImageData(canvas.width, canvas.height);
    // Sideways a finger turns the cloud, and may then tilt it; up and down it scrolls the page (touch-action: pan-y).
    canvas.addEventListener("pointerdown", (event) => {
      drag = { x: event.clientX, y: event.clientY, turns: event.pointerType !== "touch" };
      canvas.setPointerCapture(event.pointerId);
      canvas.style.cursor = "grabbing";
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.turns) {  // a finger first says which way it goes
        if (Math.hypot(dx, dy) < 6) return;
        if (Math.abs(dy) > Math.abs(dx)) { drag = null; return; }
      }
      turnTo(view.azimuth - 0.6 * dx, state.elevation + 0.5 * dy);
      drag = { x: event.clientX, y: event.clientY, turns: true };
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, () => { drag = null; canvas.style.cursor = "grab"; });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5] }[event.key];
      if (!step) return;
      event.preventDefault();
      turnTo(view.azimuth + step[0], state.elevation + step[1]);
    });
    draw();
  }

  // A colour for each point, [red, green, blue] one after the other, once for each theme.
  let theme = null, hues = null;
  function hue(c) {
    if (theme === c.paper) return hues;
    theme = c.paper;
    const onDark = dark(c.paper), six = [c.x, c.z, c.model, c.moved, c.wrong, c.ink];
    const scale = paint === "values" ? Array.from({ length: 256 }, (_, v) => viridis(v / 255, onDark))
      : paint === "classes" ? Array.from({ length: kinds }, (_, v) => (kinds <= 6 ? six[v] : viridis(v / (kinds - 1), onDark)))
      : [c[get("side")]];
    const table = scale.map(rgb);
    hues = new Uint8Array(3 * N);
    for (let i = 0; i < N; i++) {
      if (paint === "rgb") hues.set([values.getUint8(3 * i), values.getUint8(3 * i + 1), values.getUint8(3 * i + 2)], 3 * i);
      else hues.set(table[paint === "side" ? 0 : values.getUint8(i)], 3 * i);
    }
    key(scale);
    return hues;
  }

  // The key to the colours, below the picture.
  function key(scale) {
    legend.replaceChildren();
    if (paint === "values") {
      const [low, high] = ends(get("low"), get("high"));
      element(legend, "span", "", get("value_name"));
      const bar = element(legend, "span");
      bar.style.cssText = "display:inline-flex;align-items:center;gap:0.4rem";
      element(bar, "span", "", low);
      const stripe = element(bar, "span");
      stripe.style.cssText = "width:9rem;height:0.75rem;border-radius:3px;"
        + `background:linear-gradient(to right,${scale.filter((_, i) => i % 15 === 0).join(",")})`;
      element(bar, "span", "", high);
    }
    if (paint === "classes") get("classes").forEach((name, i) => {
      const item = element(legend, "span");
      element(item, "span").style.cssText =
        `display:inline-block;width:0.75rem;height:0.75rem;border-radius:50%;margin-right:0.35rem;background:${scale[i]}`;
      item.append(name);
    });
    legend.style.display = legend.childNodes.length ? "flex" : "none";
  }

  function draw() {
    const c = colours(root), { g } = pic, R = rotation(view.azimuth, state.elevation, up);
    around.set(Math.round(view.azimuth)); above.set(state.elevation);
    if (walk) {
      walk.set(view.place);
      title.textContent = nameAt(view.place);
      walk.input.setAttribute("aria-valuetext", title.textContent);
    }
    const points = between(frames, view.place), fill = hue(c);
    project(points, R, reach, seen);
    pic.clear(c.paper);
    if (state.elevation >= 0) floor(c, R, 1);
    sticks(c);
    balls(c, fill);
    g.save(); g.setTransform(1, 0, 0, 1, 0, 0);
    g.drawImage(sheet, 0, 0);
    g.restore();
    if (state.elevation < 0) floor(c, R, 0.6);
    if (!turning && !gliding)
      pic.describe(`${inWords(get, view.place, view.azimuth, state.elevation)} `
        + `Lines on the ground are ${+ground.step.toPrecision(1)} apart.`);
  }

  const spot = (point) => [pic.width / 2 + unit * point[0], pic.height / 2 - unit * point[1]];

  function floor(c, R, alpha) {
    const { g } = pic, see = (point) => project(point, R, reach, [0, 0, 0]);
    const { alongU, alongV, axes: [u, v, w], top } = ground;
    g.globalAlpha = alpha; g.strokeStyle = c.line; g.lineWidth = 1;
    const line = (from, to) => { g.moveTo(...spot(see(from))); g.lineTo(...spot(see(to))); };
    g.beginPath();
    for (const [from, to] of [...alongU, ...alongV]) line(from, to);
    const foot = [...alongU[0], ...alongU.at(-1)].reduce((a, b) => (see(b)[0] < see(a)[0] ? b : a));
    const head = foot.map((value, axis) => (axis === w ? top : value));
    line(foot, head);
    g.stroke();
    g.globalAlpha = 1;
    // each ground axis is named at its edge nearest to the eye, the upright one at its top
    g.textAlign = "center"; g.textBaseline = "middle";
    const middle = spot(see([0, 1, 2].map((axis) => (axis === w ? foot[w] : (alongU[0][0][axis] + alongU.at(-1)[1][axis]) / 2))));
    for (const [axis, lines] of [[u, alongU], [v, alongV]]) {
      const [a, b] = [lines[0], lines.at(-1)].map(([from, to]) => see(from.map((value, i) => (value + to[i]) / 2)));
      const at = spot(a[2] > b[2] ? a : b), away = [at[0] - middle[0], at[1] - middle[1]], far = Math.hypot(...away) || 1;
      name(labels[axis], at[0] + (20 * away[0]) / far, at[1] + (16 * away[1]) / far, c);
    }
    if (Math.abs(state.elevation) < 75) { const [x, y] = spot(see(head)); name(labels[w], x, y - 12, c); }
    g.textAlign = "start"; g.textBaseline = "alphabetic";
  }
  function name(text, x, y, c) {
    const { g } = pic, font = "14px system-ui, sans-serif";
    g.font = font;
    const half = g.measureText(text).width / 2 + 3;
    const inside = (v, margin, end) => Math.min(end - margin, Math.max(margin, v));
    halo(g, text, inside(x, half, pic.width), inside(y, 10, pic.height), c.muted, c.paper, font);
  }

  function sticks(c) {
    const { g } = pic, radius = (i) => nearness(seen[3 * i + 2]);
    g.lineCap = "round";
    for (const [i, j] of get("edges")) {
      const near = (radius(i) + radius(j)) / 2;
      g.beginPath(); g.moveTo(...spot(seen.subarray(3 * i))); g.lineTo(...spot(seen.subarray(3 * j)));
      g.strokeStyle = mix(c.muted, c.paper, FOG * (1 - near)); g.lineWidth = 1.5 + 1.5 * near; g.stroke();
    }
  }

  // The points as small balls, far ones first: a rim of paper, a body, a light on it.
  function balls(c, fill) {
    const buffer = new Uint32Array(pixels.data.buffer), { width, height } = sheet, scale = width / pic.width;
    const [pr, pg, pb] = rgb(c.paper), rim = packed([pr, pg, pb]);
    const base = scale * Math.min(5.5, Math.max(1.9, (0.28 * pic.height) / Math.sqrt(N)));
    const sizes = Array.from({ length: 33 }, (_, k) => {
      const radius = base * (0.6 + (0.7 * k) / 32);
      const light = radius > 5 ? disc(0.34 * radius) : null;
      return { rim: disc(radius + 0.45 * scale), body: disc(radius), light, shift: Math.round(0.32 * radius) };
    });
    buffer.fill(0);
    for (const i of farFirst(seen, order)) {
      const near = nearness(seen[3 * i + 2]), fog = FOG * (1 - near), size = sizes[Math.round(32 * near)];
      const x = Math.round(scale * (pic.width / 2 + unit * seen[3 * i]));
      const y = Math.round(scale * (pic.height / 2 - unit * seen[3 * i + 1]));
      const red = fill[3 * i] + fog * (pr - fill[3 * i]), green = fill[3 * i + 1] + fog * (pg - fill[3 * i + 1]);
      const blue = fill[3 * i + 2] + fog * (pb - fill[3 * i + 2]);
      stamp(buffer, width, height, x, y, size.rim, rim);
      stamp(buffer, width, height, x, y, size.body, packed([red, green, blue]));
      if (size.light) {
        const light = (v) => v + 0.28 * (255 - v);
        const bright = packed([light(red), light(green), light(blue)]);
        stamp(buffer, width, height, x - size.shift, y - size.shift, size.light, bright);
      }
    }
    sheet.getContext("2d").putImageData(pixels, 0, 0);
  }

  const unfit = fitted(stage, layout);
  const unwatch = drawWithTheme(draw);
  return () => { cancelAnimationFrame(turning); settle(); close(); unfit(); unwatch(); };
}

export default { render: whenNear(render) };
