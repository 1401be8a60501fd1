// A display equation that is wider than its place, on a phone mostly: first a little smaller, then broken into lines
// where a mathematician would break it (between clauses, before a relation, before a plus), then down to 70 % of its
// size. What is still too wide scrolls inside itself, and can be reached by the keyboard.
(() => {
  const SLIGHTLY = 0.86, LEAST = 0.7, INDENT = 1.4; // INDENT of a line that goes on, in em
  const RELATIONS = "=≤≥≈∼≠⟹⟺→≡∝", SUMS = "+−⋅";
  const OPEN = "([{", CLOSE = ")]}";

  // MathJax draws its characters in CSS; their code points stand in the class names, as in mjx-c3D for "=".
  const text = (node) => [...node.querySelectorAll("mjx-c")]
    .map((c) => String.fromCodePoint(parseInt(c.className.match(/mjx-c([0-9A-F]+)/)?.[1] ?? "20", 16))).join("");
  const isSign = (node, signs) => node.localName === "mjx-mo" && text(node).length === 1 && signs.includes(text(node));
  const isGap = (node) => /^mjx-m(space|style)$/.test(node.localName) && !text(node) && node.getBoundingClientRect().width > 10;
  const isWords = (node) => node.localName === "mjx-mtext" && /[a-z]/i.test(text(node));
  const span = (nodes) => nodes.at(-1).getBoundingClientRect().right - nodes[0].getBoundingClientRect().left;

  // Cut a row of nodes in front of every node that `cuts` names, outside of brackets.
  function cut(nodes, cuts) {
    const parts = [[]];
    let depth = 0;
    for (const node of nodes) {
      if (depth === 0 && parts.at(-1).length && cuts(node)) parts.push([]);
      parts.at(-1).push(node);
      if (isSign(node, OPEN)) depth++;
      if (isSign(node, CLOSE)) depth = Math.max(0, depth - 1);
    }
    return parts;
  }

  // Clauses stand apart by a wide gap. A word or an arrow that opens one ("here", "⟹") stays with what it opens.
  function clauses(nodes) {
    const found = [];
    let opener = [];
    for (const part of cut(nodes, isGap)) {
      const inside = part.filter((node) => !isGap(node));
      if (!inside.length) continue;
      const alone = inside.length === 1 && (isSign(inside[0], RELATIONS) || (isWords(inside[0]) && !/[.,;]$/.test(text(inside[0]))));
      if (alone) { opener = inside; continue; }
      found.push({ nodes: [...opener, ...inside], second: opener.length ? inside[0] : null, words: !opener.length && isWords(inside[0]) });
      opener = [];
    }
    if (opener.length) found.push({ nodes: opener, second: null, words: true });
    return found;
  }

  // Lines, as lists of nodes, none wider than `room` if that can be had; the indent of each in em.
  function lines(nodes, room, em) {
    const found = [], spaces = [];
    for (const { nodes: inside, second, words } of clauses(nodes)) {
      if (second) spaces.push(second);
      const last = found.at(-1);
      if (words && last && last.width + em + span(inside) <= room) { // "for x in U" follows what it belongs to
        spaces.push(inside[0]);
        last.width += em + span(inside);
        last.nodes.push(...inside);
        continue;
      }
      let parts = [inside];
      if (span(inside) > room) for (const signs of [RELATIONS, SUMS])
        parts = parts.flatMap((part) => (span(part) > room - INDENT * em ? cut(part, (node) => isSign(node, signs)) : [part]));
      let line = null;
      for (const part of parts) { // as many parts on a line as fit
        const indent = line ? INDENT : 0;
        if (line && span([line.nodes[0], part.at(-1)]) <= room - line.indent * em) line.nodes.push(...part);
        else found.push(line = { nodes: [...part], indent });
        line.width = line.indent * em + span([line.nodes[0], line.nodes.at(-1)]);
      }
    }
    return { found, spaces };
  }

  function broken(row, room, em) {
    const nodes = [...row.children].filter((node) => node.localName !== "mjx-tstrut");
    if (nodes.length < 2 || span(nodes) <= room) return;
    const { found, spaces } = lines(nodes, room, em);
    if (found.length < 2) return;
    spaces.forEach((node) => node.classList.add("nf-space"));
    row.classList.add("nf-lines");
    nodes.filter(isGap).forEach((node) => node.classList.add("nf-gap"));
    for (const { nodes: part, indent } of found) {
      const line = document.createElement("span");
      line.className = "nf-line";
      if (indent) line.style.paddingLeft = `${indent}em`;
      part[0].before(line);
      line.append(...part);
    }
  }

  // A row of signs is broken itself; of a table, such as `aligned` makes, the widest cell of each row, or, where that is
  // not enough, every cell, each on a line of its own under the one before.
  function breakRow(row, room, em, apart) {
    const [first, second] = [...row.children].filter((node) => node.localName !== "mjx-tstrut");
    if (first?.localName !== "mjx-mtable" || second) return broken(row, room, em);
    const rows = [...first.querySelectorAll(":scope > mjx-table > mjx-itable > mjx-mtr")];
    if (apart && rows[0]?.children.length > 1) {
      for (const line of rows) {
        line.classList.add("nf-row");
        [...line.children].forEach((cell, i) => breakRow(cell, room - (i ? INDENT * em : 0), em, apart));
      }
      return;
    }
    const table = first.getBoundingClientRect().width;
    for (const line of rows) {
      const cell = [...line.children].map((td) => [td.getBoundingClientRect().width, td]).sort((a, b) => b[0] - a[0])[0];
      breakRow(cell[1], room - (table - cell[0]), em, apart);
    }
  }

  function whole(container) {
    container.querySelectorAll(".nf-line").forEach((line) => line.replaceWith(...line.childNodes));
    const marks = ["nf-gap", "nf-space", "nf-lines", "nf-row"];
    for (const node of container.querySelectorAll(marks.map((mark) => `.${mark}`).join())) node.classList.remove(...marks);
  }

  function restore(container) {
    whole(container);
    container.style.fontSize = container.dataset.nfSize ??= container.style.fontSize;
    container.closest(".math")?.classList.remove("nf-below", "nf-beside");
  }

  const width = (math) => Math.max(...[math, ...math.querySelectorAll(".nf-line, mjx-itable")].map((n) => {
    const inner = n.lastElementChild?.getBoundingClientRect().right ?? 0, box = n.getBoundingClientRect();
    return Math.max(box.right, n.classList.contains("nf-line") ? inner : 0) - math.getBoundingClientRect().left;
  }));

  function fit(container) {
    const box = container.parentElement, math = container.querySelector("mjx-math");
    restore(container);
    const room = box.clientWidth;
    if (!math || !room) return;
    const number = box.querySelector(":scope > .eqno")?.offsetWidth ?? 0;
    if (width(math) <= room - 2 * number || width(math) <= room - number) return;
    box.classList.add("nf-below"); // its number goes below, the equation gets the whole width
    const percent = parseFloat(container.style.fontSize) || 100;
    const scale = (share) => { container.style.fontSize = `${percent * share}%`; };
    let natural = width(math);
    if (natural <= room) return;
    if (natural * SLIGHTLY > room) {
      const em = parseFloat(getComputedStyle(container).fontSize);
      breakRow(math, room / 0.92, em, false);
      natural = width(math);
      if (natural * SLIGHTLY > room) {
        whole(container);
        breakRow(math, room / 0.92, em, true);
        natural = width(math);
      }
    }
    scale(Math.min(1, Math.max(LEAST, (room - 1) / natural)));
    const last = [...math.querySelectorAll(".nf-line")].at(-1)?.lastElementChild.getBoundingClientRect();
    const lowest = math.getBoundingClientRect().bottom - (last?.bottom ?? 0) < 30; // the last line of all
    box.classList.toggle("nf-beside", Boolean(last) && lowest && box.getBoundingClientRect().right - last.right > number + 8);
  }

  const widths = new WeakMap();
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (Math.abs((widths.get(target) ?? -9) - target.clientWidth) < 2) continue; // a height of our own making
      widths.set(target, target.clientWidth);
      target.querySelectorAll(":scope > mjx-container[display='true']").forEach(fit);
    }
  });

  // A full stop or a comma stays on the line of the formula in front of it.
  function glue(formula) {
    const next = formula.nextSibling, mark = next?.nodeType === Node.TEXT_NODE && next.data.match(/^[.,;:!?)]+/)?.[0];
    if (!mark) return;
    const both = document.createElement("span");
    both.className = "nf-glue";
    next.data = next.data.slice(mark.length);
    formula.before(both);
    both.append(formula, mark);
  }

  const idle = () => new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done, { timeout: 200 }));
  const loaded = () => new Promise((done) => {
    if (document.readyState === "complete") done();
    else addEventListener("load", done, { once: true });
  });

  // The moving figures of the page have their places, and those in sight are drawn; or three seconds have passed.
  async function figures() {
    const wanted = document.querySelectorAll("script[type='application/vnd.jupyter.widget-view+json']").length;
    const there = () => document.querySelectorAll(".nf-widget canvas:first-of-type, .nf-awaits").length >= wanted
      && [...document.querySelectorAll(".nf-awaits")].every((place) => place.getBoundingClientRect().top > innerHeight);
    for (let wait = 0; wait < 3000 && !there(); wait += 50) await new Promise((done) => setTimeout(done, 50));
  }

  async function set(formulas) {
    await window.MathJax.typesetPromise(formulas);
    for (const formula of formulas) if (formula.localName === "span") glue(formula);
  }

  // MathJax is told not to set the page by itself (_config.yml). First what the reader sees; then, when the figures
  // are there, the rest, a dozen at a time and when nothing else is to be done, so that scrolling stays free.
  document.addEventListener("DOMContentLoaded", async () => {
    const formulas = [...document.querySelectorAll(".math")];
    if (!formulas.length) return;
    while (!window.MathJax?.startup?.promise) await new Promise((done) => setTimeout(done, 20));
    await window.MathJax.startup.promise;
    const seen = (node) => { const { top, bottom } = node.getBoundingClientRect(); return bottom > 0 && top < innerHeight; };
    const first = formulas.filter(seen), rest = formulas.filter((node) => !first.includes(node));
    if (first.length) await set(first);
    await loaded();
    await figures();
    for (let i = 0; i < rest.length; i += 12) {
      await idle();
      await set(rest.slice(i, i + 12));
    }
    await document.fonts.ready;
    document.querySelectorAll("mjx-container[display='true']").forEach((m) => watch.observe(m.parentElement));
  });
})();
