// Starts the page. A file of its own, because the content security policy allows no inline script.
const { module, wasm } = document.querySelector("script[data-module]").dataset;

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
