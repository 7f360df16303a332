// Puts a file dialog in place of the system's, as no one sees that of a headless browser: it answers with these paths. All else,
// such as that only a person's click may open it and how a folder is read, is the browser's own.
const window = Services.wm.getMostRecentWindow("navigator:browser");
const chosen = arguments[0].map((path) => {
  const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
  file.initWithPath(path);
  return file;
});

function picker() {
  let mode;
  return {
    QueryInterface: ChromeUtils.generateQI(["nsIFilePicker"]),
    init(_context, _title, asked) {
      mode = asked;
    },
    isModeSupported: () => Promise.resolve(true),
    appendFilters() {},
    appendFilter() {},
    appendRawFilter() {},
    get mode() {
      return mode;
    },
    get file() {
      return window.honePicker.chosen[0];
    },
    get files() {
      const left = [...window.honePicker.chosen];
      return {
        QueryInterface: ChromeUtils.generateQI(["nsISimpleEnumerator"]),
        hasMoreElements: () => left.length > 0,
        getNext: () => left.shift(),
      };
    },
    open(callback) {
      window.honePicker.opened = true;
      window.setTimeout(() => callback.done(Ci.nsIFilePicker.returnOK), 0);
    },
  };
}

if (!window.honePicker) {
  const factory = {
    QueryInterface: ChromeUtils.generateQI(["nsIFactory"]),
    createInstance: (wanted) => picker().QueryInterface(wanted),
  };
  const registrar = Components.manager.QueryInterface(Ci.nsIComponentRegistrar);
  registrar.registerFactory(Services.uuid.generateUUID(), "", "@mozilla.org/filepicker;1", factory);
}
window.honePicker = { chosen, opened: false };
