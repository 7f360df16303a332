// Faults of the session worker and of its storage, each when a page asks for it.
const faults = { started: null, write: null, databases: [], taken: [] };

const open = IDBFactory.prototype.open;
IDBFactory.prototype.open = function (...asked) {
  const request = open.apply(this, asked);
  request.addEventListener("success", () => faults.databases.push(request.result));
  return request;
};

const put = IDBObjectStore.prototype.put;
IDBObjectStore.prototype.put = function (...asked) {
  const fault = this.transaction.mode === "readwrite" ? faults.write : null;
  if (fault === "throws") throw new DOMException("injected", "UnknownError");
  const request = put.apply(this, asked);
  if (fault === "aborts") this.transaction.abort();
  if (fault === "full") {
    // As a browser does it: the write is taken, then the transaction ends with this as its reason.
    Object.defineProperty(this.transaction, "error", { value: new DOMException("injected", "QuotaExceededError") });
    this.transaction.abort();
  }
  if (fault === "closes") {
    faults.write = null;
    // As a browser does it: the connection hears that it is closed, and its transactions end.
    this.transaction.db.close();
    this.transaction.db.dispatchEvent(new Event("close"));
    this.transaction.abort();
  }
  return request;
};

new BroadcastChannel("hone-faults").onmessage = async ({ data }) => {
  if (data.write !== undefined) faults.write = data.write;
  switch (data.stop) {
    case "throw":
      setTimeout(() => {
        throw new Error("injected");
      });
      break;
    case "close":
      self.close();
      break;
    case "loop":
      for (;;);
    case "memory": {
      // All of it, down to the last kilobyte: the next thing that needs some can't have it.
      const { __wbindgen_malloc: allocate } = await faults.started;
      for (let bytes = 1 << 26; bytes >= 1 << 10; bytes >>= 1) {
        try {
          for (;;) allocate(bytes, 1);
        } catch {
          // Half as much, then.
        }
      }
      break;
    }
  }
};
