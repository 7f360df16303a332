// Takes the errors that concern pages: exceptions of pages and workers, and what the browser refused a page.
const errors = Services.console
  .getMessageArray()
  .filter((message) => message instanceof Ci.nsIScriptError)
  .filter(({ flags }) => (flags & (Ci.nsIScriptError.warningFlag | Ci.nsIScriptError.infoFlag)) === 0)
  .filter(({ sourceName, category }) => /^(https?|blob):/.test(sourceName) || /^(CSP|CORS)/.test(category))
  .map(({ sourceName, lineNumber, errorMessage }) => `${sourceName}:${lineNumber} ${errorMessage}`);
Services.console.reset();
return errors;
