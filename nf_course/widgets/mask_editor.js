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

function render({ model, el }) {
  const root = frame(el);
  let masks = model.get("masks").map((mask) => [...mask]), applied = model.get("applied");
  const K = masks.length, D = masks[0].length;
  root.style.textAlign = "left";  // a figure of the book centres what it holds

  // Buttons and matrix share their columns: a label, then D features. On a phone they are drawn small, not scaled down.
  const narrow = window.innerWidth < 500, width = narrow ? Math.max(240, window.innerWidth - 140) : 420;
  const label = narrow ? 0.2 : 0.16, column = (100 * (1 - label)) / D, font = `${narrow ? 12.5 : 15}px system-ui, sans-serif`;
  const stage = element(root, "div");
  stage.style.cssText = `max-width:${width}px;margin:0 auto`;
  const table = element(stage, "div");
  table.setAttribute("role", "group");
  table.setAttribute("aria-label", "Masks: a row for each coupling, a column for each feature; pressed means kept");
  table.style.cssText = `display:grid;grid-template-columns:${100 * label}% repeat(${D},${column}%);row-gap:4px;align-items:center`;
  element(table, "span");
  for (let i = 0; i < D; i++) {
    const head = element(table, "span", "", sub("x", i + 1));
    head.style.cssText = "text-align:center;color:var(--nf-x)";
  }
  const cells = masks.map((_, k) => {
    const name = element(table, "span", "", sub("f", k + 1));
    name.style.cssText = "font-style:italic;text-align:center";
    return Array.from({ length: D }, (_, i) => {
      const cell = button(table, "", () => { if (!painting) put(k, i, !masks[k][i]); });
      cell.style.cssText = "padding:0;margin:0 1.5px;min-width:0;font-size:12.5px;touch-action:manipulation";
      cell.tabIndex = k || i ? -1 : 0;  // one stop for Tab; the arrow keys do the rest
      cell.addEventListener("keydown", (event) => walk(event, k, i));
      cell.addEventListener("focus", () => { cells.flat().forEach((other) => { other.tabIndex = other === cell ? 0 : -1; }); });
      cell.addEventListener("pointerdown", () => { start = [k, i]; painting = null; });
      cell.addEventListener("pointerenter", (event) => {
        if (!start || !(event.buttons & 1) || (start[0] === k && start[1] === i)) return;
        if (!painting) { painting = { value: !masks[start[0]][start[1]] }; put(...start, painting.value); }
        put(k, i, painting.value);
      });
      return cell;
    });
  });
  let start = null, painting = null;

  const left = label * width, unit = (width - left) / D, tall = 34, top = 28;
  const pic = picture(stage, width, top + tall * D + 4);

  const row = controls(root);
  const count = slider(row, { label: "couplings applied", min: 0, max: K, step: 1, value: applied,
    oninput: (value) => { applied = value; say(""); keep(); draw(); } });
  const presets = controls(root);
  for (const name of Object.keys(PRESETS))
    button(presets, name, () => { masks = preset(name, K, D); say(""); keep(); draw(); });
  const readout = element(root, "p", "nf-readout");
  const notice = element(root, "p", "nf-readout");
  notice.setAttribute("role", "status");
  element(root, "p", "nf-caption", (narrow ? "k is keep, m is move. " : "") + model.get("caption"));

  function say(text) { notice.textContent = text; notice.style.margin = text ? "" : "0"; }

  // In a running notebook the kernel learns of the masks; on a page there is nobody to tell.
  function keep() { model.set("masks", masks.map((mask) => [...mask])); model.set("applied", applied); model.save_changes(); }

  function put(k, i, value) {
    if (masks[k][i] === value) return;
    const mask = masks[k].map((kept, j) => (j === i ? value : kept));
    if (!isMask(mask)) {
      return say(`${sub("f", k + 1)} must ${value ? "move" : "keep"} at least one feature, so ${sub("x", i + 1)} stays as it is.`);
    }
    masks[k] = mask;
    say("");
    keep();
    draw();
  }

  function walk(event, k, i) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    cells[Math.min(K - 1, Math.max(0, k + step[0]))][Math.min(D - 1, Math.max(0, i + step[1]))].focus();
  }

  function draw() {
    const { g } = pic, c = colours(root);
    const now = pattern(masks, applied), before = pattern(masks, Math.max(0, applied - 1));
    const still = untouched(masks, applied);
    cells.forEach((line, k) => line.forEach((cell, i) => {
      const kept = masks[k][i];
      cell.textContent = narrow ? (kept ? "k" : "m") : kept ? "keep" : "move";
      cell.setAttribute("aria-pressed", String(kept));
      cell.setAttribute("aria-label", `${kept ? "keep" : "move"} ${sub("x", i + 1)} in coupling ${k + 1}`);
      cell.style.borderStyle = k < applied ? "solid" : "dashed";
      cell.style.background = k < applied ? "" : "transparent";
      cell.style.color = k < applied ? "" : "var(--nf-muted)";
      cell.style.borderColor = k < applied ? "" : "var(--nf-muted)";
      cell.style.fontWeight = kept ? "700" : "400";
    }));

    pic.clear(c.paper);
    g.textBaseline = "middle"; g.textAlign = "center"; g.font = font;
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

    const left0 = zeros(now), moved = masks.slice(0, applied).map((mask) => mask.filter((kept) => !kept).length);
    const names = still.map((i) => sub("x", i + 1));
    const first = applied === 0 ? "No coupling yet: z = x."
      : `After ${applied} coupling${applied > 1 ? "s" : ""}: ${left0} of ${D * D} entries of ∂z/∂x are zero` +
        `${zeros(before) > left0 ? `, ${zeros(before) - left0} fewer than before (dots)` : ", as before"}.`;
    const second = still.length ? `Untouched: ${list(names)}.` : "Every feature has been moved.";
    const third = applied ? `The log-det is a sum of ${moved.length > 1 ? `${moved.join(" + ")} = ` : ""}${moved.reduce((a, b) => a + b, 0)} log-scales, whatever the pattern.` : "";
    readout.textContent = `${first} ${second} ${third}`;
    pic.describe(`Pattern of the Jacobian, ${D} by ${D}. ${first} ${second}`);
  }

  say("");
  return drawWithTheme(draw);
}

export default { render };
