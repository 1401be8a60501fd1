// The moving figures without a kernel: the script of each runs on the state that the notebook saved with it.
// Jupyter's own manager does the same for every widget there is, in 3.6 MB; the figures of this course are anywidgets
// (https://anywidget.dev/en/afm/), which ask of their model no more than this.
(() => {
  const STATE = "script[type='application/vnd.jupyter.widget-state+json']";
  const VIEW = "script[type='application/vnd.jupyter.widget-view+json']";

  // A figure's state: read, written, and heard of by whoever listens to "change:name".
  function modelOf(state) {
    const heard = new Map();
    const ears = (event) => heard.get(event) ?? heard.set(event, new Set()).get(event);
    const same = (a, b) => a === b || (typeof a === "object" && !ArrayBuffer.isView(a) && JSON.stringify(a) === JSON.stringify(b));
    return {
      get: (name) => state[name],
      set(name, value) {
        if (same(state[name], value)) return;
        state[name] = value;
        for (const hear of [...ears(`change:${name}`), ...ears("change")]) hear();
      },
      on: (event, hear) => { ears(event).add(hear); },
      off: (event, hear) => { if (hear) ears(event).delete(hear); else heard.delete(event); },
      save_changes() {}, // there is no kernel to tell
      send() {},
    };
  }

  // Arrays of bytes lie beside the state, in base64.
  function bytes({ data, encoding }) {
    if (encoding !== "base64") throw Error(`expected bytes in base64, got ${encoding}`);
    return new DataView(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer);
  }

  const modules = new Map(), models = new Map();
  function moduleOf(source) { // figures of one kind share their script and their style
    if (!modules.has(source)) modules.set(source, import(URL.createObjectURL(new Blob([source], { type: "text/javascript" }))));
    return modules.get(source);
  }

  async function show(view, saved) {
    const id = JSON.parse(view.textContent).model_id, entry = saved[id];
    if (entry?.model_module !== "anywidget") throw Error(`expected the state of an anywidget, got ${entry?.model_name}`);
    for (const buffer of entry.buffers?.splice(0) ?? []) {
      const last = buffer.path.at(-1), holder = buffer.path.slice(0, -1).reduce((part, name) => part[name], entry.state);
      holder[last] = bytes(buffer);
    }
    const { _esm: source, _css: css } = entry.state;
    if (css && !modules.has(css)) {
      const style = document.createElement("style");
      style.textContent = css;
      document.head.append(style);
      modules.set(css, style);
    }
    const found = (await moduleOf(source)).default, widget = typeof found === "function" ? await found() : found;
    if (!models.has(id)) {
      models.set(id, modelOf(entry.state));
      await widget.initialize?.({ model: models.get(id) });
    }
    const el = document.createElement("div");
    el.className = "nf-figure";
    view.before(el);
    await widget.render({ model: models.get(id), el });
  }

  // Where a figure cannot be shown, its still picture stands in, as it does without scripts.
  function standIn(view) {
    const still = view.parentElement.querySelector("noscript");
    if (!still) return;
    const parsed = new DOMParser().parseFromString(still.textContent, "text/html");
    view.before(...parsed.body.childNodes);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const saved = Object.assign({}, ...[...document.querySelectorAll(STATE)].map((s) => JSON.parse(s.textContent).state));
    for (const view of document.querySelectorAll(VIEW)) {
      show(view, saved).catch((error) => {
        console.error(`figure not shown: ${error.message}`);
        standIn(view);
      });
    }
  });
})();
