// Runs before anything is drawn: the colours that were chosen, and the rule
// that no text may become markup or a script.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("mantine-color-scheme-value");
  } catch (e) {
    // Storage may be switched off.
  }
  var dark = chosen === "dark" || ((!chosen || chosen === "auto") && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
  if (!window.trustedTypes) return;
  window.trustedTypes.createPolicy("default", {
    createHTML: function (text) {
      if (text.indexOf("<") >= 0) throw new TypeError("markup is refused");
      return text;
    },
    createScriptURL: function (url) {
      var u = new URL(url, location.origin);
      if (u.origin === location.origin && (u.pathname === "/stream.js" || u.pathname.indexOf("/assets/") === 0)) return url;
      throw new TypeError("this script is refused");
    },
  });
})();
