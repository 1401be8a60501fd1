// Small repairs of the theme's markup, for screen readers and the keyboard.
document.addEventListener("DOMContentLoaded", () => {
  // the visible text is a better name than a label that contradicts it
  document
    .querySelectorAll(".search-button-field, .theme-switch-button, details summary")
    .forEach((b) => b.removeAttribute("aria-label"));
  const side = document.querySelector("#pst-primary-sidebar, .bd-sidebar-primary");
  if (side && !side.getAttribute("role")) {
    side.setAttribute("role", "navigation");
    side.setAttribute("aria-label", "Book");
  }
});
