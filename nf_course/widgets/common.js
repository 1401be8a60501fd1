// What every moving figure shares: its frame, sliders, buttons, a sharp canvas, colours of the theme.
// Figures are built from native inputs, so mouse, touch, keyboard and screen reader work without more.

function frame(el) {
  const root = document.createElement("div");
  root.className = "nf-widget";
  // JupyterLab takes the arrow keys for itself, unless the very element that has the focus says no.
  root.addEventListener("focusin", (event) => { event.target.dataset.lmSuppressShortcuts = "true"; });
  el.append(root);
  return root;
}

// A figure is drawn when the reader comes within a screen of it, when he prints, or when the browser has nothing else to
// do: a page with ten of them answers at once. Until then an empty place keeps its room.
function whenNear(render) {
  return (view) => {
    const place = element(view.el, "div", "nf-awaits");
    let close, timer = 0;
    const draw = () => {
      stop();
      place.remove();
      close = render(view);
    };
    const near = new IntersectionObserver((seen) => { if (seen.some((s) => s.isIntersecting)) draw(); }, { rootMargin: "100%" });
    const idle = () => { timer = setTimeout(() => (window.requestIdleCallback ?? setTimeout)(() => { if (place.isConnected) draw(); }), 1500); };
    const stop = () => {
      near.disconnect();
      clearTimeout(timer);
      removeEventListener("load", idle);
      removeEventListener("beforeprint", draw);
    };
    near.observe(place);
    addEventListener("beforeprint", draw);
    if (document.readyState === "complete") idle(); else addEventListener("load", idle);
    return () => { stop(); place.remove(); close?.(); };
  };
}

function element(parent, tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  parent.append(node);
  return node;
}

function controls(root) { return element(root, "div", "nf-controls"); }

// A labelled slider with its value beside it; `oninput(value)` is called on every change.
function slider(parent, { label, min, max, step, value, format = (v) => String(v), oninput }) {
  const row = element(parent, "label");
  element(row, "span", "", label);
  const input = element(row, "input");
  Object.assign(input, { type: "range", min, max, step, value });
  const shown = element(row, "output");
  // room for the longest value, so that the slider does not change its length under the reader's finger
  const values = (max - min) / step <= 20 ? Array.from({ length: Math.floor((max - min) / step) + 1 }, (_, i) => min + i * step) : [min, max];
  shown.style.minWidth = `max(3.5em, ${Math.max(...values.map((v) => format(v).length))}ch)`;
  const show = () => { shown.textContent = format(Number(input.value)); input.setAttribute("aria-valuetext", shown.textContent); };
  input.addEventListener("input", () => { show(); oninput(Number(input.value)); });
  show();
  return { input, set(v) { input.value = v; show(); }, get value() { return Number(input.value); } };
}

function button(parent, text, onclick) {
  const node = element(parent, "button", "", text);
  node.type = "button";
  node.addEventListener("click", onclick);
  return node;
}

// The colours of common.css as they are in the present theme: ink, muted, line, paper, x, z, model, wrong, moved, soft.
function colours(root) {
  // A figure may be drawn before it is put on the page; until then it has no style, and another element lends its own.
  const place = root.isConnected ? root : element(document.body, "div", "nf-widget");
  const style = getComputedStyle(place), found = {};
  for (const name of ["ink", "muted", "line", "paper", "x", "z", "model", "wrong", "moved", "soft"])
    found[name] = style.getPropertyValue(`--nf-${name}`).trim();
  if (place !== root) place.remove();
  return found;
}

// A canvas of width x height units, sharp on every screen, scaled to the frame by CSS.
// describe(text) is its text alternative: say what the picture shows now.
function picture(root, width, height) {
  const canvas = element(root, "canvas");
  const scale = Math.min(3, Math.max(2, window.devicePixelRatio || 1));
  canvas.width = width * scale; canvas.height = height * scale;
  canvas.style.maxWidth = `${width}px`;
  canvas.setAttribute("role", "img");
  const g = canvas.getContext("2d");
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.font = "14px system-ui, sans-serif";
  return {
    canvas, g, width, height,
    clear(colour) { g.fillStyle = colour; g.fillRect(0, 0, width, height); },
    describe(text) { canvas.setAttribute("aria-label", text); },
    // Where a pointer event happened, in the canvas's own units.
    at(event) {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    },
  };
}

// A linear scale: plane coordinates to canvas units inside the box [left, top, right, bottom].
function axes([left, top, right, bottom], [x0, x1], [y0, y1]) {
  return {
    x: (v) => left + ((v - x0) / (x1 - x0)) * (right - left),
    y: (v) => bottom - ((v - y0) / (y1 - y0)) * (bottom - top),
    ux: (p) => x0 + ((p - left) / (right - left)) * (x1 - x0),
    uy: (p) => y0 + ((bottom - p) / (bottom - top)) * (y1 - y0),
  };
}

// Draw now, and again whenever the reader switches between light and dark.
function drawWithTheme(draw) {
  draw();
  const watch = new MutationObserver(draw);
  watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  return () => watch.disconnect();
}

const reducedMotion = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

// The state that a reader changes lives in the model, so that a running kernel hears of it (observe) and may set it.
// Read state.name, write state.name = value; `changed` is called once a frame after any change, whoever made it.
function shared(model, names, changed) {
  const state = {};
  let asked = 0;
  const ask = () => { asked ||= requestAnimationFrame(() => { asked = 0; changed(); }); };
  for (const name of names) {
    Object.defineProperty(state, name, { enumerable: true, get: () => model.get(name),
      set: (value) => { model.set(name, value); model.save_changes(); } });
    model.on(`change:${name}`, ask);
  }
  const close = () => { cancelAnimationFrame(asked); for (const name of names) model.off(`change:${name}`, ask); };
  return [state, close];
}

// Call layout(width) now and whenever the place for the figure gets wider or narrower.
function fitted(stage, layout, first = 520) {
  let known = Math.floor(stage.clientWidth) || first;
  layout(known);
  const watch = new ResizeObserver(() => {
    const available = Math.floor(stage.clientWidth);
    if (available && Math.abs(available - known) > 3) { known = available; layout(known); }
  });
  watch.observe(stage);
  return () => watch.disconnect();
}

// Text with a rim of paper, to be read on top of points and lines.
function halo(g, text, x, y, colour, paper, font = "600 14px system-ui, sans-serif") {
  g.font = font; g.lineJoin = "round"; g.lineWidth = 4; g.strokeStyle = paper; g.strokeText(text, x, y);
  g.fillStyle = colour; g.fillText(text, x, y);
}

function rgb(colour) {
  const hex = colour.replace("#", "");
  return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
}
function mix(from, to, share) {
  const a = rgb(from), b = rgb(to);
  return "#" + a.map((v, i) => Math.round(v + share * (b[i] - v)).toString(16).padStart(2, "0")).join("");
}
// Orange at z, blue at x, and violet half way: a straight mixture of the two would be grey there.
const tone = (c, share) => (share < 0.5 ? mix(c.z, c.moved, 2 * share) : mix(c.moved, c.x, 2 * share - 1));
const dark = (colour) => rgb(colour).reduce((a, b) => a + b) < 384;

// A colour for an angle, one of 48 round a wheel: points that carry it can be told apart wherever they go.
const WHEEL = ["#0072b2", "#00906a", "#e69f00", "#c2478f"];
function wheel(angle) {
  const turn = Math.round((48 * angle) / (2 * Math.PI) + 48) % 48 / 12, i = Math.floor(turn);
  return mix(WHEEL[i], WHEEL[(i + 1) % WHEEL.length], turn - i);
}
// Colours of the points to [colour, numbers of its points]: one path for each colour is fast to draw.
function byColour(list) {
  const found = new Map();
  list.forEach((colour, i) => { if (found.has(colour)) found.get(colour).push(i); else found.set(colour, [i]); });
  return [...found];
}

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))];

// A number as a reader expects it: a true minus sign, and no minus before a zero.
const num = (v, digits = 2) => v.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "\u2212");
