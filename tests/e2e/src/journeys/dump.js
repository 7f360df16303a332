// Every record of the database "hone", as store and key → what it holds, in window.dump.
window.dump = null;
const plain = async (value) => {
  if (value instanceof Blob) value = await value.arrayBuffer();
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    const digest = await crypto.subtle.digest("SHA-256", value);
    return `bytes ${[...new Uint8Array(digest)].join()}`;
  }
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(await Promise.all(Object.entries(value).map(async ([name, part]) => [name, await plain(part)])));
  }
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
};
const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
(async () => {
  const database = await result(indexedDB.open("hone"));
  const dump = {};
  for (const name of database.objectStoreNames) {
    const store = () => database.transaction(name).objectStore(name);
    const [keys, values] = [await result(store().getAllKeys()), await result(store().getAll())];
    for (const [place, key] of keys.entries()) {
      dump[`${name} ${JSON.stringify(key)}`] = JSON.stringify(await plain(values[place]));
    }
  }
  database.close();
  window.dump = dump;
})().catch((error) => {
  window.dump = { error: String(error) };
});
