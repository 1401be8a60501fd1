// Small repairs of the theme, for screen readers, the keyboard and the printer.
document.addEventListener("DOMContentLoaded", () => {
  // the visible text is a better name than a label that contradicts it
  document
    .querySelectorAll(".search-button-field, .theme-switch-button, details summary")
    .forEach((b) => b.removeAttribute("aria-label"));
  // a corner without words is no heading
  document.querySelectorAll("th").forEach((th) => {
    if (th.textContent.trim() || th.children.length > 1) return;
    const td = document.createElement("td");
    td.className = th.className;
    th.replaceWith(td);
  });
  // a list of works holds items; the role that docutils gives them has been withdrawn from the standard
  document.querySelectorAll("[role=doc-biblioentry]").forEach((entry) => entry.setAttribute("role", "listitem"));
  const side = document.querySelector("#pst-primary-sidebar, .bd-sidebar-primary");
  if (side && !side.getAttribute("role")) {
    side.setAttribute("role", "navigation");
    side.setAttribute("aria-label", "Book");
  }
  // what scrolls inside itself can be reached by the keyboard, from the moment that it does
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
  });
  document.querySelectorAll("article :is(pre, .pst-scrollable-table-container)").forEach((node) => watch.observe(node));
});

// Paper is white: a page is printed in its light colours, and is then what it was.
(() => {
  let before = null;
  addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
  });
  addEventListener("afterprint", () => { document.documentElement.dataset.theme = before ?? "light"; });
})();
