// How far the reader is: a thin bar at the top of a chapter, and a tick beside each chapter that was read to its end,
// in the table of contents and on the cover. The ticks lie in this browser's storage and go nowhere else.
(() => {
  const KEY = "nf-course-read";
  const CHAPTER = /^book\/\d\d_/, LONG = /^(book|solutions)\/\d\d_/;

  // Storage may be blocked, or hold anything: then there are no ticks, and nothing breaks.
  function remembered() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY) ?? "[]");
      return new Set(Array.isArray(found) ? found.filter((name) => typeof name === "string") : []);
    } catch { return new Set(); }
  }
  function remember(names) {
    try {
      if (names.size) localStorage.setItem(KEY, JSON.stringify([...names]));
      else localStorage.removeItem(KEY);
    } catch { /* the ticks of this page stay until it is left */ }
  }

  const root = () => new URL(document.documentElement.dataset.content_root || "./", location.href).href;
  const pageOf = (address) => address.split(/[#?]/)[0].replace(root(), "").replace(/\.html$/, "");

  // "Chapter 3" in a text should be found in the table of contents, which knows titles only.
  function number() {
    for (const link of document.querySelectorAll(".bd-sidebar-primary a")) {
      const found = pageOf(link.href).match(/^book\/(\d\d)_/);
      if (!found) continue;
      const node = document.createElement("span");
      node.className = "nf-number";
      node.textContent = `${Number(found[1])} `;
      link.prepend(node);
    }
  }

  function tick(names) {
    for (const link of document.querySelectorAll(".bd-sidebar-primary a, .nf-card-title a")) {
      const read = names.has(pageOf(link.href)), mark = link.querySelector(".nf-tick");
      if (read && !mark) {
        const node = document.createElement("span");
        node.className = "nf-tick";
        node.setAttribute("role", "img");
        node.setAttribute("aria-label", "read");
        node.textContent = "✓";
        link.append(" ", node);
      } else if (!read) mark?.remove();
    }
    const chapters = [...names].filter((name) => CHAPTER.test(name)), cards = document.querySelector(".nf-cards");
    document.querySelector(".nf-forget")?.remove();
    if (!cards || !chapters.length) return;
    const line = document.createElement("p"), button = document.createElement("button");
    line.className = "nf-forget";
    line.append(`${chapters.length} read to the end, as this browser alone remembers. `, button);
    button.type = "button";
    button.textContent = "Forget it";
    button.addEventListener("click", () => { names.clear(); remember(names); tick(names); });
    cards.after(line);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const names = remembered(), here = pageOf(location.href), article = document.querySelector("article.bd-article");
    number();
    tick(names);
    if (!article || !LONG.test(here)) return;

    const bar = document.createElement("div");
    bar.className = "nf-progress";
    bar.setAttribute("aria-hidden", "true"); // a screen reader knows its own place
    document.body.append(bar);
    let asked = 0;
    const draw = () => {
      asked = 0;
      const box = article.getBoundingClientRect(), way = box.height - innerHeight;
      bar.style.transform = `scaleX(${way > 0 ? Math.min(1, Math.max(0, -box.top / way)) : 1})`;
    };
    const ask = () => { asked ||= requestAnimationFrame(draw); };
    addEventListener("scroll", ask, { passive: true });
    new ResizeObserver(() => { if (scrollY) ask(); }).observe(article); // at the top the bar is empty

    if (!CHAPTER.test(here)) return;
    const end = document.createElement("div"); // comes into view at the last line
    article.append(end);
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting) || scrollY === 0) return; // a page still loading is short
      seen.disconnect();
      const now = remembered().add(here); // another tab may have added its own
      remember(now);
      tick(now);
    });
    addEventListener("load", () => seen.observe(end));
  });
})();
