// On a phone a picture of several panels side by side would shrink until nothing can be read:
// put it into a frame that scrolls sideways by itself (nf.css gives the sizes).
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".cell_output img").forEach((image) => {
    const frame = () => {
      if (image.naturalWidth < 2 * image.naturalHeight) return;
      const box = document.createElement("div");
      box.className = "nf-wide";
      box.tabIndex = 0; // the keyboard can scroll it
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", "Wide figure");
      image.replaceWith(box);
      box.append(image);
    };
    if (image.complete) frame();
    else image.addEventListener("load", frame, { once: true });
  });
});
