// On a phone, panels side by side would shrink until nothing can be read. Where the build has found the gaps between
// them (nf_pictures.py), they are stacked; any other wide picture goes into a frame that scrolls sideways, and says so.
(() => {
  const phone = window.matchMedia("(max-width: 600px)");

  function stack(image, cuts) {
    const places = [0, ...cuts, 1], box = document.createElement("div");
    box.className = "nf-stack";
    // small panels stand two in a row, all or none: of pictures that belong together none is larger than the others
    const widest = Math.max(...places.slice(1).map((end, i) => end - places[i])) * image.naturalWidth;
    const paired = places.length > 4 && widest / 2 < 195; // pictures have twice the pixels
    places.slice(1).forEach((end, i) => {
      const start = places[i], share = end - start, panel = document.createElement("div"), copy = image.cloneNode();
      panel.className = "nf-panel";
      panel.classList.toggle("nf-small", paired);
      copy.alt = i ? `Panel ${i + 1} of ${places.length - 1}` : `${image.alt} (Panel 1 of ${places.length - 1})`;
      copy.style.cssText = `width: ${100 / share}%; margin-left: ${(-100 * start) / share}%`;
      panel.append(copy);
      box.append(panel);
    });
    image.classList.add("nf-stacked");
    image.after(box);
  }

  function scroll(image) {
    const box = document.createElement("div"), hint = document.createElement("p");
    box.className = "nf-wide";
    box.tabIndex = 0; // the keyboard can scroll it
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Wide figure");
    hint.className = "nf-hint";
    hint.textContent = "wider than the screen: slide it sideways";
    const outer = image.closest("a.image-reference") ?? image;
    outer.replaceWith(box, hint);
    box.append(outer);
  }

  function arrange(image) {
    const cuts = [...image.classList].find((name) => name.startsWith("nf-cuts-"))?.slice(8).split("-").map((v) => v / 1000);
    if (cuts) stack(image, cuts);
    else if (image.naturalWidth > 2.2 * image.naturalHeight && image.naturalWidth > 1300) scroll(image);
  }

  let done = false;
  const narrow = () => {
    if (!phone.matches || done) return;
    done = true; // the style sheet shows the one form or the other from now on
    for (const image of document.querySelectorAll(".cell_output img")) {
      if (image.complete) arrange(image);
      else image.addEventListener("load", () => arrange(image), { once: true });
    }
  };
  document.addEventListener("DOMContentLoaded", narrow);
  phone.addEventListener("change", narrow);
})();

// The map of the course, where it is wider than the screen, begins with its first chapter, which stands in the middle.
document.addEventListener("DOMContentLoaded", () => {
  for (const map of document.querySelectorAll(".nf-map")) map.scrollLeft = (map.scrollWidth - map.clientWidth) / 2;
});
