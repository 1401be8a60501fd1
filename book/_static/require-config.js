// Runs after require.js and before embed-amd.js: widget modules ("anywidget") and the fonts of html-manager
// are looked up beside the page, so nothing is asked of a CDN.
(function () {
  const root = document.documentElement.dataset.content_root || "./";
  window.requirejs.config({ baseUrl: new URL(root + "_static/vendor/widgets/", document.baseURI).href });
})();
