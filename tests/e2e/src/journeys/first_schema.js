// Copies the database "hone" into the layout of the first release: version 1, without what the second one added.
window.firstSchema = "working";
const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
const copy = async () => {
  const names = ["projects", "items", "events", "batches", "media", "thumbnails", "vector_keys", "vector_blocks", "models", "settings"];
  const now = await result(indexedDB.open("hone"));
  const kept = {};
  for (const name of names) {
    const store = now.transaction(name).objectStore(name);
    kept[name] = [await result(store.getAllKeys()), await result(now.transaction(name).objectStore(name).getAll())];
  }
  now.close();
  await result(indexedDB.deleteDatabase("hone"));
  const opening = indexedDB.open("hone", 1);
  opening.onupgradeneeded = () => {
    for (const name of names) {
      const store = opening.result.createObjectStore(name, name === "projects" ? { keyPath: "id" } : {});
      if (name === "items") store.createIndex("hash", "item.hash");
      const [keys, values] = kept[name];
      keys.forEach((key, place) => (name === "projects" ? store.put(values[place]) : store.put(values[place], key)));
    }
  };
  const first = await result(opening);
  first.close();
};
copy().then(
  () => (window.firstSchema = "done"),
  (error) => (window.firstSchema = String(error)),
);
