// Starts the page. A file of its own, because the content security policy allows no inline script.
const { module, wasm } = document.querySelector("script[data-module]").dataset;

// Where the browser has Trusted Types, this decides on every text that is to become markup or the address of a script; the content
// security policy allows no second such policy. Elements that run or load something, and attributes with code in them, are refused. What
// the page writes itself has each `<` of a text as `&lt;`, so that a `<` always begins one of these tags.
const REFUSED =
  "script|style|link|meta|base|iframe|frame|frameset|object|embed|applet|template|noscript|foreignobject|textarea|xmp|plaintext|math";
const TAG = new RegExp(
  `<(?:!(?:----)?|/?(?!(?:${REFUSED})\\b)[a-z][a-z0-9-]*(?:\\s+(?!on|srcdoc|style|formaction)[a-z][\\w:-]*(?:="[^"<]*")?)*\\s*/?)>`,
  "gi",
);
const SCRIPTS = ["sw.js", "worker_loader.js"];
globalThis.trustedTypes?.createPolicy("default", {
  createHTML(text) {
    if (text.replace(TAG, "").includes("<")) throw new TypeError("Hone: markup was refused: " + text.slice(0, 200));
    return text;
  },
  createScriptURL(text) {
    const url = new URL(text, document.baseURI);
    if (!SCRIPTS.some((name) => url.origin + url.pathname === new URL(name, document.baseURI).href)) {
      throw new TypeError("Hone: a script was refused: " + url.href);
    }
    return text;
  },
});

try {
  const { default: start } = await import(new URL(module, document.baseURI).href);
  await start({ module_or_path: new URL(wasm, document.baseURI) });
} catch (error) {
  console.error(error);
  const message = document.createElement("p");
  message.setAttribute("role", "alert");
  message.textContent =
    "Hone could not start: " + (error instanceof Error ? error.message : String(error)) +
    ". Your labels are safe in this browser. Reload the page; if that doesn't help, use a current Chrome, Edge, Firefox or Safari.";
  document.body.append(message);
}
