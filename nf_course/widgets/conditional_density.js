// ConditionalDensity: p(x | c), one curve for each context, its median and central intervals, the data of that context.

const LEVELS = [0.5, 0.9];
const ALL = ["labels", "tall", "log", "digits", "axis", "context", "units", "things", "inside"];

// Bytes to numbers: float32 places of the grid, uint16 heights in units of each row's highest.
const unpackGrid = (view) => Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
function unpackCurves(view, tall) {
  const G = view.byteLength / 2 / tall.length;
  return tall.map((top, k) => Array.from({ length: G }, (_, i) => (top * view.getUint16(2 * (k * G + i), true)) / 65535));
}

// The place below which that share of the curve's area lies: trapezoids, then a straight line between two of them.
function placeOf(grid, heights, share) {
  const below = [0];
  for (let i = 1; i < grid.length; i++) below.push(below[i - 1] + ((heights[i] + heights[i - 1]) / 2) * (grid[i] - grid[i - 1]));
  const wanted = Math.min(1, Math.max(0, share)) * below[below.length - 1];
  const i = Math.max(1, below.findIndex((b) => b >= wanted));
  const part = below[i] > below[i - 1] ? (wanted - below[i - 1]) / (below[i] - below[i - 1]) : 0;
  return grid[i - 1] + part * (grid[i] - grid[i - 1]);
}

// The ends of the intervals and the median between them: [5 %, 25 %, 50 %, 75 %, 95 %].
const endsOf = (grid, heights) => [(1 - LEVELS[1]) / 2, (1 - LEVELS[0]) / 2, 0.5, (1 + LEVELS[0]) / 2, (1 + LEVELS[1]) / 2].map((q) => placeOf(grid, heights, q));

// The height of a curve between two places of the grid.
function heightAt(grid, heights, x) {
  let low = 0, high = grid.length - 1;
  while (high - low > 1) { const middle = (low + high) >> 1; if (grid[middle] <= x) low = middle; else high = middle; }
  const part = Math.min(1, Math.max(0, (x - grid[low]) / (grid[high] - grid[low])));
  return (1 - part) * heights[low] + part * heights[high];
}

// Heights of a histogram whose area is the share of the data that the picture shows.
const barsOf = (counts, all, low, high) => counts.map((n) => (n / all) * (counts.length / (high - low)));

// How high the picture reaches: over all curves, and over bars that are not much higher.
const topOf = (tall, bars) => 1.08 * Math.min(1.3 * Math.max(...tall), Math.max(...tall, ...bars.flat()));

function written(value, digits = 0) {
  const [whole, rest] = num(value, digits).split(".");
  return whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",") + (rest === undefined ? "" : `.${rest}`);
}

// The numbers of context k, as they stand under the figure; `ends` as `endsOf` gives them.
function numbersOf({ labels, context, log, digits, units, things, inside }, ends, k) {
  const [low, lower, median, upper, high] = ends.map((v) => written(log ? Math.exp(v) : v, digits)), unit = units ? ` ${units}` : "";
  const text = `${context} ${labels[k]}: median ${median}${unit}; 50 % between ${lower} and ${upper}${unit}, 90 % between ${low} and ${high}${unit}.`;
  if (!inside.length) return text;
  const [n, half, most, beyond] = inside[k];
  if (!n) return `${text} There are no ${things} here in the data.`;
  return `${text} In the data: ${n === 1 ? `one of the ${things}` : `${written(n)} ${things}`}, ${num((100 * half) / n, 0)} % in the first, `
    + `${num((100 * most) / n, 0)} % in the second interval${beyond ? `; ${written(beyond)} beyond the picture` : ""}.`;
}

// What the picture shows, in words.
const words = (given, ends, k) =>
  `The density of ${given.axis} given ${given.context}${given.log ? " on a logarithmic axis" : ""}, one curve for each of ${given.labels.length} values; `
  + `the one shown is for ${numbersOf(given, ends, k)}`;

function render({ model, el }) {
  const given = Object.fromEntries(ALL.map((name) => [name, model.get(name)]));
  const { labels, inside } = given, K = labels.length, observed = inside.length > 0;
  const grid = unpackGrid(model.get("grid")), curves = unpackCurves(model.get("density"), given.tall);
  const ends = curves.map((heights) => endsOf(grid, heights)), [low, high] = [grid[0], grid[grid.length - 1]];
  const bars = model.get("bins").map((counts, k) => barsOf(counts, inside[k][0], low, high));
  const drawn = model.get("drawn"), sample = model.get("strip");
  const points = drawn.map((n, k) => {
    const first = drawn.slice(0, k).reduce((a, b) => a + b, 0);
    return Array.from({ length: n }, (_, i) => low + ((high - low) * sample.getUint16(2 * (first + i), true)) / 65535);
  });
  const top = topOf(given.tall, bars), calm = reducedMotion();
  const [state, close] = shared(model, ["place"], follow);
  // `aim` is the context asked for; while the curve moves there, `shown` is between that and the one before.
  let aim = state.place, shown = { heights: curves[aim], ends: ends[aim] }, moving = 0, timer = 0, playing = false;

  const root = frame(el), stage = element(root, "div"), legend = element(root, "div", "nf-legend");
  legend.style.cssText = "display:flex;flex-wrap:wrap;justify-content:center;gap:0.1rem 1.1rem;font-size:14px;margin-top:0.3rem";
  const readout = element(root, "p", "nf-readout"), row = controls(root);
  const choose = slider(row, { label: given.context, min: 0, max: K - 1, step: 1, value: aim, format: (k) => labels[k],
    oninput: (k) => { stop(); state.place = k; } });
  choose.input.nextSibling.style.minWidth = `${Math.max(3, ...labels.map((text) => text.length))}ch`;
  choose.input.parentElement.style.flexBasis = "0";
  const play = button(row, calm ? "Next" : "Play", () => (calm ? next() : playing ? stop() : run()));
  play.style.minWidth = "6.5em";
  element(root, "p", "nf-caption", model.get("caption"));
  // Two clauses of the sentence may need more room for one context than for another: keep that of the longest.
  const longest = labels.map((_, k) => numbersOf(given, ends[k], k)).reduce((a, b) => (b.length > a.length ? b : a));

  let pic, at, box;
  function layout(available) {
    if (pic) pic.canvas.remove();
    const width = Math.round(Math.min(690, Math.max(260, available))), plot = Math.round(Math.min(260, 0.3 * width + 90));
    box = { left: 6, right: width - 6, top: 30, bottom: 30 + plot, strip: observed ? 40 : 0 };
    pic = picture(stage, width, box.bottom + box.strip + 46);
    at = axes([box.left, box.top, box.right, box.bottom], [low, high], [0, top]);
    draw();
    readout.style.minHeight = "";
    readout.textContent = longest;
    readout.style.minHeight = `${readout.offsetHeight}px`;
    readout.textContent = numbersOf(given, ends[aim], aim);
  }

  // The model has changed, by a control here, in another view, or from Python.
  function follow() {
    if (state.place !== aim) {
      cancelAnimationFrame(moving);
      aim = state.place;
      const goal = { heights: curves[aim], ends: ends[aim] };
      if (calm) { shown = goal; moving = 0; } else slide(shown, goal);
    }
    draw();
  }
  // From one curve to another within a quarter of a second: for the eye only, no curve between the two means anything.
  function slide(from, goal) {
    const between = (a, b, share) => a.map((v, i) => (1 - share) * v + share * b[i]);
    let started = null;
    const tick = (now) => {
      started ??= now;
      const share = Math.min(1, (now - started) / 250), eased = share * share * (3 - 2 * share);
      shown = share === 1 ? goal : { heights: between(from.heights, goal.heights, eased), ends: between(from.ends, goal.ends, eased) };
      moving = share === 1 ? 0 : requestAnimationFrame(tick);
      draw();
    };
    moving = requestAnimationFrame(tick);
  }
  function next() { state.place = state.place >= K - 1 ? 0 : state.place + 1; }
  function run() {
    playing = true;
    next();
    const onward = () => { if (state.place >= K - 1) { stop(); draw(); } else { next(); timer = setTimeout(onward, pace); } };
    const pace = Math.min(1200, Math.max(350, 9000 / K));
    timer = setTimeout(onward, pace);
  }
  function stop() { clearTimeout(timer); playing = false; }

  function draw() {
    const { g, width } = pic, c = colours(root), { heights } = shown, floor = box.bottom;
    const [least, lower, median, upper, most] = shown.ends;
    const curve = (of) => grid.forEach((x, i) => (i ? g.lineTo(at.x(x), at.y(of[i])) : g.moveTo(at.x(x), at.y(of[i]))));
    pic.clear(c.paper);

    g.lineWidth = 1; g.strokeStyle = c.muted; g.globalAlpha = K > 15 ? 0.2 : 0.35; g.lineJoin = "round";
    curves.forEach((of, k) => { if (k !== aim) { g.beginPath(); curve(of); g.stroke(); } });
    g.globalAlpha = 1;

    for (const [a, b, share] of [[least, most, 0.28], [lower, upper, 0.4]]) {
      g.beginPath(); g.moveTo(at.x(a), floor); g.lineTo(at.x(a), at.y(heightAt(grid, heights, a)));
      grid.forEach((x, i) => { if (x > a && x < b) g.lineTo(at.x(x), at.y(heights[i])); });
      g.lineTo(at.x(b), at.y(heightAt(grid, heights, b))); g.lineTo(at.x(b), floor); g.closePath();
      g.globalAlpha = share; g.fillStyle = c.model; g.fill();
    }
    g.globalAlpha = 1;

    if (observed && bars[aim].length) {  // the data's own outline, without filling: the curve stays in view
      g.save(); g.beginPath(); g.rect(0, box.top - 4, width, floor - box.top + 4); g.clip();
      g.beginPath(); g.moveTo(box.left, floor);
      bars[aim].forEach((v, i) => {
        const x = (j) => box.left + ((box.right - box.left) * j) / bars[aim].length;
        g.lineTo(x(i), at.y(v)); g.lineTo(x(i + 1), at.y(v));
      });
      g.lineTo(box.right, floor); g.lineWidth = 1.2; g.strokeStyle = c.ink; g.stroke(); g.restore();
    }
    g.beginPath(); curve(heights); g.lineWidth = 3; g.strokeStyle = c.model; g.stroke();
    g.strokeStyle = c.line; g.lineWidth = 1; g.beginPath(); g.moveTo(box.left, floor + 0.5); g.lineTo(box.right, floor + 0.5); g.stroke();

    const peak = at.y(heightAt(grid, heights, median));
    g.strokeStyle = c.model; g.lineWidth = 2; g.beginPath(); g.moveTo(at.x(median), floor); g.lineTo(at.x(median), peak); g.stroke();

    if (observed) {  // a point for each of a sample, full inside the 90 % interval and open outside
      g.strokeStyle = c.ink; g.fillStyle = c.ink; g.lineWidth = 1;
      points[aim].forEach((x, i) => {
        const y = floor + 8 + (box.strip - 14) * ((0.618 * i) % 1), within = x >= ends[aim][0] && x <= ends[aim][4];
        g.beginPath(); g.arc(at.x(x), y, 2, 0, 7);
        g.globalAlpha = 0.75; if (within) g.fill(); else g.stroke();
      });
      g.globalAlpha = 1;
    }

    const base = floor + box.strip;
    g.font = "13px system-ui, sans-serif"; g.fillStyle = c.muted; g.strokeStyle = c.line; g.lineWidth = 1;
    g.textAlign = "center"; g.textBaseline = "top";
    let free = -Infinity;
    for (const [place, text] of model.get("ticks")) {
      const half = g.measureText(text).width / 2, x = Math.min(width - half - 1, Math.max(half + 1, at.x(place)));
      if (place < low || place > high || x - half < free) continue;  // a label that would touch its neighbour is left out
      g.beginPath(); g.moveTo(at.x(place), base); g.lineTo(at.x(place), base + 5); g.stroke();
      g.fillText(text, x, base + 8);
      free = x + half + 8;
    }
    g.fillText(given.axis + (given.units ? ` (${given.units})` : ""), (box.left + box.right) / 2, base + 27);

    g.textAlign = "left"; g.textBaseline = "alphabetic";
    halo(g, `p(${given.log ? "log " : ""}${given.axis} | ${given.context} = ${labels[aim]})`, 2, 18, c.model, c.paper, "600 16px system-ui, sans-serif");
    const text = `median ${written(given.log ? Math.exp(median) : median, given.digits)}`;
    g.font = "600 14px system-ui, sans-serif";
    const half = g.measureText(text).width / 2 + 3;
    // above whatever lies under the words
    const middle = Math.min(width - half, Math.max(half, at.x(median))), under = (x) => Math.abs(at.x(x) - middle) <= half;
    const ridge = Math.max(...grid.map((x, i) => (under(x) ? heights[i] : 0)), ...(bars[aim] ?? []).map((v, i, { length }) =>
      (under(low + ((i + 0.1) / length) * (high - low)) || under(low + ((i + 0.9) / length) * (high - low)) ? v : 0)));
    g.textAlign = "center";
    halo(g, text, middle, Math.max(box.top + 8, Math.min(peak, at.y(ridge)) - 8), c.ink, c.paper);

    choose.set(aim);
    play.textContent = playing ? "Pause" : aim >= K - 1 ? "Start again" : calm ? "Next" : "Play";
    readout.textContent = numbersOf(given, ends[aim], aim);
    pic.describe(words(given, ends[aim], aim));
  }

  const swatch = (text, style) => {
    const item = element(legend, "span");
    element(item, "span").style.cssText = `display:inline-block;width:1rem;height:0.75rem;margin-right:0.35rem;vertical-align:-0.05rem;box-sizing:border-box;${style}`;
    item.append(text);
  };
  const shade = (share) => `color-mix(in srgb, var(--nf-model) ${share}%, var(--nf-paper))`;
  swatch("middle 50 %", `background:${shade(57)}`);
  swatch("middle 90 %", `background:${shade(28)}`);
  if (observed) {
    if (bars.some((row) => row.length)) swatch("data", "border:solid var(--nf-ink);border-width:1.5px 1.5px 0");
    const dot = "width:0.5rem;height:0.5rem;border-radius:50%;border:1px solid var(--nf-ink);vertical-align:0.1rem;";
    swatch("inside 90 %", `${dot}background:var(--nf-ink)`);
    swatch("outside", dot);
  }
  const unfit = fitted(stage, layout, 690), unwatch = drawWithTheme(draw);
  return () => { stop(); cancelAnimationFrame(moving); unfit(); unwatch(); close(); };
}

export default { render: whenNear(render) };
