// ImageSliders: tiles of one sprite sheet, chosen by a slider for each axis, and by a pad where there are two.

// The tile of a state and a sample: row-major, the last axis fastest, then the sample.
const stateOf = (place, counts) => place.reduce((n, i, k) => n * counts[k] + i, 0);
const tileOf = (place, counts, samples, sample) => stateOf(place, counts) * samples + sample;

// The upper left corner of a tile on the sheet.
const corner = (tile, columns, [height, width], margin) =>
  [(tile % columns) * width + margin, Math.floor(tile / columns) * height + margin];

// Columns of a contact sheet: as many as fit, then as even as the rows allow.
function columnsFor(samples, width, side, gap, across) {
  const fit = Math.max(1, Math.min(samples, across || samples, Math.floor((width + gap) / (side + gap))));
  return across ? fit : Math.ceil(samples / Math.ceil(samples / fit));
}

// Longer side of a picture as shown: no wider than the place, and a whole number of units a pixel if they are crisp.
function sideFor(size, width, [h, w], crisp) {
  const longer = Math.max(h, w), side = Math.min(size, (width * longer) / w);
  return crisp && side >= longer ? longer * Math.floor(side / longer) : side;
}

// The pad: the first axis runs to the right, the second upwards.
function padPlace(px, py, [left, top, right, bottom], [columns, rows]) {
  const index = (share, n) => Math.min(n - 1, Math.max(0, Math.floor(share * n)));
  return [index((px - left) / (right - left), columns), index((bottom - py) / (bottom - top), rows)];
}
function padCentre([i, j], [left, top, right, bottom], [columns, rows]) {
  return [left + ((i + 0.5) / columns) * (right - left), bottom - ((j + 0.5) / rows) * (bottom - top)];
}

const whereIs = (names, labels, place) => names.map((name, k) => `${name} ${labels[k][place[k]]}`).join(", ");
function inWords(names, labels, place, samples, words) {
  const many = samples === 1 ? "one picture" : `${samples} pictures`;
  const index = stateOf(place, labels.map((values) => values.length));
  return `${whereIs(names, labels, place)}: ${many}.` + (words.length ? ` ${words[index]}` : "");
}

// Grey values as ink on glass: transparent where they are 0, so that the theme's paper shows through.
function onGlass(bitmap) {
  const glass = document.createElement("canvas");
  Object.assign(glass, { width: bitmap.width, height: bitmap.height });
  const g = glass.getContext("2d");
  g.drawImage(bitmap, 0, 0);
  const pixels = g.getImageData(0, 0, glass.width, glass.height), { data } = pixels;
  for (let i = 0; i < data.length; i += 4) { data[i + 3] = data[i]; data[i] = data[i + 1] = data[i + 2] = 0; }
  g.putImageData(pixels, 0, 0);
  return glass;
}
function inked(glass, colour) {
  const sheet = document.createElement("canvas");
  Object.assign(sheet, { width: glass.width, height: glass.height });
  const g = sheet.getContext("2d");
  g.drawImage(glass, 0, 0);
  g.globalCompositeOperation = "source-in";
  g.fillStyle = colour; g.fillRect(0, 0, sheet.width, sheet.height);
  return sheet;
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const names = get("names"), labels = get("labels"), counts = labels.map((values) => values.length);
  const samples = get("samples"), [, H, W] = get("shape"), cell = get("cell"), ink = get("ink"), crisp = get("crisp");
  const [state, close] = shared(model, ["place"], draw);

  const root = frame(el), stage = element(root, "div");
  stage.style.cssText = "display:flex;flex-wrap:wrap;justify-content:center;align-items:center;gap:0.75rem 1.25rem";
  const readout = element(root, "p", "nf-readout"), row = controls(root);
  const sliders = names.map((name, k) => slider(row, { label: name, min: 0, max: counts[k] - 1, step: 1, value: state.place[k],
    format: (i) => labels[k][i], oninput: (i) => go(state.place.map((old, axis) => (axis === k ? i : old))) }));
  const loss = !get("error") ? ""
    : ` The pictures are compressed; a value is off by ${num(get("error"), 1)} of 255, root mean square.`;
  sliders.forEach(({ input }, k) => {  // room for the longest label, so that the slider keeps its length
    input.parentElement.style.flexWrap = "wrap";
    input.nextSibling.style.minWidth = `${Math.max(4, ...labels[k].map((text) => text.length))}ch`;
  });
  element(root, "p", "nf-caption", get("caption") + loss);

  function go(place) {
    if (place.some((i, k) => i !== state.place[k])) state.place = place;
  }

  let pic, pad = null, box, grid, glass = null, sheet = null, tint = "", map = null, dragging = false, closed = false;

  function layout(available) {
    stage.replaceChildren();
    const beside = counts.length === 2 && available >= 500, padSide = Math.min(available, beside ? 250 : 230);
    const room = Math.max(80, beside ? available - padSide - 20 : available);
    const longer = sideFor(get("size"), room, [H, W], crisp), gap = Math.max(4, Math.round(0.08 * longer));
    const [h, w] = [(longer * H) / Math.max(H, W), (longer * W) / Math.max(H, W)];
    const across = columnsFor(samples, room, w, gap, get("across"));
    grid = { h, w, gap, across };
    pad = beside ? padPicture(padSide) : null;  // before the pictures on a desk, below them on a phone
    pic = held(Math.ceil(across * (w + gap) - gap) + 2, Math.ceil(Math.ceil(samples / across) * (h + gap) - gap) + 2);
    if (counts.length === 2 && !beside) pad = padPicture(padSide);
    map = null;
    draw();
  }

  function held(width, height) {
    const holder = element(stage, "div");
    holder.style.cssText = `flex:none;width:${width}px;max-width:100%`;
    return picture(holder, width, height);
  }

  function padPicture(side) {
    const made = held(side, side), { canvas } = made;
    box = [24, 4, side - 4, side - 24];
    const to = (event) => go(padPlace(...made.at(event), box, counts));
    const atMarker = (event) => {
      const [px, py] = made.at(event), [x, y] = padCentre(state.place, box, counts);
      return Math.hypot(px - x, py - y) < 28;
    };
    canvas.style.cursor = "crosshair";
    // A mouse drags from anywhere. A finger drags the marker; elsewhere it scrolls the page, and a tap sends the marker there.
    canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "touch" && !atMarker(event)) return;
      dragging = true;
      canvas.setPointerCapture(event.pointerId);
      to(event);
    });
    canvas.addEventListener("pointermove", (event) => { if (dragging) to(event); });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { dragging = false; });
    canvas.addEventListener("click", to);
    const hold = (event) => { if (atMarker(event.touches[0])) event.preventDefault(); };
    canvas.addEventListener("touchstart", hold, { passive: false });
    return made;
  }

  // One picture, at the place and in the size given.
  function tile(g, number, x, y, w, h) {
    const [sx, sy] = corner(number, get("columns"), cell, get("margin"));
    g.drawImage(sheet, sx, sy, W, H, x, y, w, h);
  }

  function draw() {
    const c = colours(root), text = inWords(names, labels, state.place, samples, get("words"));
    sliders.forEach((one, k) => one.set(state.place[k]));
    readout.textContent = text;
    pic.describe(text);
    if (pad) pad.describe(`A map of all ${counts[0]} by ${counts[1]} states, ${names[0]} to the right, ${names[1]} upwards; `
      + `the marker is at ${whereIs(names, labels, state.place)}.`);
    if (ink && glass && tint !== c.ink) { sheet = inked(glass, c.ink); tint = c.ink; map = null; }
    pic.clear(c.paper);
    if (!sheet) return;
    const { g } = pic, { h, w, gap, across } = grid;
    g.imageSmoothingEnabled = !crisp;
    for (let s = 0; s < samples; s++) {
      const x = 1 + (s % across) * (w + gap), y = 1 + Math.floor(s / across) * (h + gap);
      tile(g, tileOf(state.place, counts, samples, s), x, y, w, h);
      if (ink) { g.strokeStyle = c.line; g.lineWidth = 1; g.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1); }
    }
    if (pad) drawPad(c);
  }

  function drawPad(c) {
    const { g } = pad, [left, top, right, bottom] = box, wide = (right - left) / counts[0], tall = (bottom - top) / counts[1];
    pad.clear(c.paper);
    // all states, small and pale, as a map; drawn once for each theme and width
    if (!map) {
      g.globalAlpha = 0.55; g.imageSmoothingEnabled = true;
      const fit = 0.92 * Math.min(wide / W, tall / H);
      for (let i = 0; i < counts[0]; i++) for (let j = 0; j < counts[1]; j++) {
        const [x, y] = padCentre([i, j], box, counts);
        tile(g, tileOf([i, j], counts, samples, 0), x - (fit * W) / 2, y - (fit * H) / 2, fit * W, fit * H);
      }
      g.globalAlpha = 1;
      g.strokeStyle = c.line; g.lineWidth = 1; g.strokeRect(left, top, right - left, bottom - top);
      g.fillStyle = c.muted; g.font = "14px system-ui, sans-serif"; g.textAlign = "center"; g.textBaseline = "alphabetic";
      g.fillText(`${names[0]} →`, (left + right) / 2, pad.height - 6, right - left);
      g.save(); g.translate(15, (top + bottom) / 2); g.rotate(-Math.PI / 2);
      g.fillText(`${names[1]} →`, 0, 0, bottom - top); g.restore();
      map = document.createElement("canvas");
      Object.assign(map, { width: pad.canvas.width, height: pad.canvas.height });
      map.getContext("2d").drawImage(pad.canvas, 0, 0);
    } else g.drawImage(map, 0, 0, pad.width, pad.height);
    const [x, y] = padCentre(state.place, box, counts), radius = Math.max(7, 0.62 * Math.min(wide, tall));
    g.beginPath(); g.arc(x, y, radius, 0, 7);
    g.lineWidth = 6; g.strokeStyle = c.paper; g.stroke();
    g.lineWidth = 3; g.strokeStyle = c.z; g.stroke();
  }

  const unfit = fitted(stage, layout);
  const unwatch = drawWithTheme(draw);
  createImageBitmap(new Blob([get("sheet")], { type: get("mime") })).then((bitmap) => {
    if (closed) return;
    if (ink) glass = onGlass(bitmap); else sheet = bitmap;
    draw();
  });
  return () => { closed = true; close(); unfit(); unwatch(); };
}

export default { render: whenNear(render) };
