// MaskEditor: a mask for each coupling, and the zeros of the Jacobian of the first k of them.

// J_0 = I. A moved row takes up the rows of every kept feature: z_i = s(kept) x_i + t(kept).
function pattern(masks, applied) {
  const D = masks[0].length;
  let rows = Array.from({ length: D }, (_, i) => Array.from({ length: D }, (_, j) => i === j));
  for (const mask of masks.slice(0, applied)) {
    const before = rows;
    rows = before.map((row, i) => mask[i] ? row
      : row.map((entry, j) => entry || mask.some((kept, other) => kept && before[other][j])));
  }
  return rows;
}

// The features that all of the first `applied` masks keep.
const untouched = (masks, applied) =>
  masks[0].map((_, i) => i).filter((i) => masks.slice(0, applied).every((mask) => mask[i]));

const zeros = (rows) => rows.flat().filter((entry) => !entry).length;

// A coupling keeps at least one feature and moves at least one.
const isMask = (mask) => mask.some((kept) => kept) && mask.some((kept) => !kept);

const PRESETS = {
  "halves": (k, i, D) => (i < Math.floor(D / 2)) === (k % 2 === 0),
  "alternating": (k, i) => i % 2 === k % 2,
  "one mask for all": (k, i, D) => i < Math.floor(D / 2),
  "busy, but bad": (k, i, D) => i === D - 2 || (i + k) % 3 === 0,
};
const preset = (name, K, D) =>
  Array.from({ length: K }, (_, k) => Array.from({ length: D }, (_, i) => PRESETS[name](k, i, D)));

const SUBSCRIPT = "₀₁₂₃₄₅₆₇₈₉";
const sub = (name, n) => name + [...String(n)].map((digit) => SUBSCRIPT[digit]).join("");
const list = (words) => words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

// After the couplings applied: how many zeros are left, and which features nothing has touched.
function summary(masks, applied) {
  const D = masks[0].length, now = zeros(pattern(masks, applied)), before = zeros(pattern(masks, Math.max(0, applied - 1)));
  const still = untouched(masks, applied).map((i) => sub("x", i + 1));
  const first = applied === 0 ? "No coupling yet: z = x."
    : `After ${applied} coupling${applied > 1 ? "s" : ""}: ${now} of ${D * D} entries of ∂z/∂x are zero`
      + `${before > now ? `, ${before - now} fewer than before (dots)` : ", as before"}.`;
  return `${first} ${still.length ? `Untouched: ${list(still)}.` : "Every feature has been moved."}`;
}

// What the figure shows, in words.
function words({ masks, applied }) {
  const kept = masks.map((mask, k) => `coupling ${k + 1} keeps ${list(mask.flatMap((keep, i) => (keep ? [sub("x", i + 1)] : [])))}`);
  return `Pattern of the Jacobian, ${masks[0].length} by ${masks[0].length}. ${summary(masks, applied)} Masks: ${kept.join("; ")}.`;
}

function render({ model, el }) {
  const root = frame(el), stage = element(root, "div");
  const [state, close] = shared(model, ["masks", "applied"], () => (fits() ? draw() : build()));
  root.style.textAlign = "left";  // a figure of the book centres what it holds

  const row = controls(root), presets = controls(root);
  const count = slider(row, { label: "couplings applied", min: 0, max: state.masks.length, step: 1, value: state.applied,
    oninput: (value) => { state.applied = value; say(""); } });
  for (const name of Object.keys(PRESETS))
    button(presets, name, () => { say(""); state.masks = preset(name, state.masks.length, state.masks[0].length); });
  const readout = element(root, "p", "nf-readout"), notice = element(root, "p", "nf-readout");
  notice.setAttribute("role", "status");
  const caption = element(root, "p", "nf-caption");
  const say = (text) => { notice.textContent = text; notice.style.margin = text ? "" : "0"; };

  // Buttons and matrix share their columns: a label, then D features.
  let K, D, cells, pic, left, unit, tall, short, known = 520, start = null, painting = null;
  const fits = () => state.masks.length === K && state.masks[0].length === D;

  function build() {
    K = state.masks.length; D = state.masks[0].length;
    count.input.max = K;
    const width = Math.min(known, Math.max(440, 52 * D));
    left = D > 9 ? 78 : 58; unit = (width - left) / D; tall = unit < 40 ? 30 : 34; short = unit < 46;
    caption.textContent = (short ? "k is keep, m is move. " : "") + model.get("caption");
    stage.replaceChildren();
    stage.style.cssText = `max-width:${width}px;margin:0 auto`;
    const table = element(stage, "div");
    table.setAttribute("role", "group");
    table.setAttribute("aria-label", "Masks: a row for each coupling, a column for each feature; pressed means kept");
    table.style.cssText = `display:grid;grid-template-columns:${left}px repeat(${D},minmax(0,1fr));row-gap:4px;align-items:center`;
    element(table, "span");
    for (let i = 0; i < D; i++) element(table, "span", "", sub("x", i + 1)).style.cssText = "text-align:center;color:var(--nf-x)";
    cells = Array.from({ length: K }, (_, k) => {
      element(table, "span", "", sub("f", k + 1)).style.cssText = "font-style:italic;text-align:center";
      return Array.from({ length: D }, (_, i) => cellOf(table, k, i));
    });
    pic = picture(stage, width, 28 + tall * D + 4);
    draw();
  }

  function cellOf(table, k, i) {
    const cell = button(table, "", () => { if (!painting) put(k, i, !state.masks[k][i]); });
    cell.style.cssText = "padding:0;margin:0 1.5px;min-width:0;font-size:12.5px;touch-action:manipulation";
    cell.tabIndex = k || i ? -1 : 0;  // one stop for Tab; the arrow keys do the rest
    cell.addEventListener("keydown", (event) => walk(event, k, i));
    cell.addEventListener("focus", () => { cells.flat().forEach((other) => { other.tabIndex = other === cell ? 0 : -1; }); });
    cell.addEventListener("pointerdown", () => { start = [k, i]; painting = null; });
    cell.addEventListener("pointerenter", (event) => {
      if (!start || !(event.buttons & 1) || (start[0] === k && start[1] === i)) return;
      if (!painting) { painting = { value: !state.masks[start[0]][start[1]] }; put(...start, painting.value); }
      put(k, i, painting.value);
    });
    return cell;
  }

  function put(k, i, value) {
    if (state.masks[k][i] === value) return;
    const mask = state.masks[k].map((kept, j) => (j === i ? value : kept));
    if (!isMask(mask)) {
      return say(`${sub("f", k + 1)} must ${value ? "move" : "keep"} at least one feature, so ${sub("x", i + 1)} stays as it is.`);
    }
    say("");
    state.masks = state.masks.map((other, j) => (j === k ? mask : other));
  }

  function walk(event, k, i) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    cells[Math.min(K - 1, Math.max(0, k + step[0]))][Math.min(D - 1, Math.max(0, i + step[1]))].focus();
  }

  function draw() {
    const { g } = pic, c = colours(root), { masks, applied } = state, top = 28;
    const now = pattern(masks, applied), before = pattern(masks, Math.max(0, applied - 1)), still = untouched(masks, applied);
    count.set(applied);
    cells.forEach((line, k) => line.forEach((cell, i) => {
      const kept = masks[k][i];
      cell.textContent = short ? (kept ? "k" : "m") : kept ? "keep" : "move";
      cell.setAttribute("aria-pressed", String(kept));
      cell.setAttribute("aria-label", `${kept ? "keep" : "move"} ${sub("x", i + 1)} in coupling ${k + 1}`);
      cell.style.borderStyle = k < applied ? "solid" : "dashed";
      cell.style.background = k < applied ? "" : "transparent";
      cell.style.color = k < applied ? "" : "var(--nf-muted)";
      cell.style.borderColor = k < applied ? "" : "var(--nf-muted)";
      cell.style.fontWeight = kept ? "700" : "400";
    }));

    pic.clear(c.paper);
    g.textBaseline = "middle"; g.textAlign = "center"; g.font = `${short ? 13 : 15}px system-ui, sans-serif`;
    for (let i = 0; i < D; i++) {
      const same = still.includes(i);
      g.fillStyle = c.x; g.fillText(sub("x", i + 1), left + (i + 0.5) * unit, top / 2);
      g.fillStyle = same ? c.wrong : c.z;
      g.fillText(same ? `${sub("z", i + 1)} = ${sub("x", i + 1)}` : sub("z", i + 1), left / 2, top + (i + 0.5) * tall);
    }
    for (let i = 0; i < D; i++) for (let j = 0; j < D; j++) {
      const x = left + j * unit, y = top + i * tall, fresh = now[i][j] && !before[i][j];
      const one = i === j && still.includes(i);
      if (now[i][j] && !one) { g.fillStyle = fresh ? c.model : c.soft; g.fillRect(x, y, unit, tall); }
      g.strokeStyle = c.line; g.lineWidth = 1; g.strokeRect(x + 0.5, y + 0.5, unit - 1, tall - 1);
      if (one) { g.fillStyle = c.ink; g.fillText("1", x + unit / 2, y + tall / 2 + 1); }
      if (fresh) {  // new entries by shape as well as by colour
        g.fillStyle = c.paper; g.beginPath(); g.arc(x + unit / 2, y + tall / 2, 4, 0, 7); g.fill();
      }
    }
    g.lineWidth = 2; g.strokeStyle = c.wrong;
    for (const i of still) g.strokeRect(left + 1, top + i * tall + 2, unit * D - 2, tall - 4);

    const moved = masks.slice(0, applied).map((mask) => mask.filter((kept) => !kept).length);
    const total = moved.reduce((a, b) => a + b, 0);
    readout.textContent = summary(masks, applied) + (applied
      ? ` The log-det is a sum of ${moved.length > 1 ? `${moved.join(" + ")} = ` : ""}${total} log-scales, whatever the pattern.` : "");
    pic.describe(words(state));
  }

  say("");
  const place = element(root, "div");  // as wide as the figure, to be measured; the stage may be narrower
  root.prepend(place);
  const unfit = fitted(place, (width) => { known = width; build(); }), unwatch = drawWithTheme(draw);
  return () => { unfit(); unwatch(); close(); };
}

export default { render: whenNear(render) };
