// Photos for the app to import, made of random parts of the demo's and handed to the server.

import { Contender } from "./contender.js";

// Only what the server does not have yet; how many there are and how large they are.
export async function makePhotos(settings) {
  const list = await (await fetch("/photos.json")).json();
  const missing = list.filter(({ there }) => !there);
  const workers = await Promise.all(["photos", "photos"].map(Contender.start));
  let next = 0;
  await Promise.all(workers.map(async (worker) => {
    while (next < missing.length) {
      const wanted = missing[next++];
      const body = await worker.ask("photo", { wanted });
      await fetch(`/photo/${wanted.name}`, { method: "POST", body });
    }
  }));
  workers.forEach((worker) => worker.stop());
  return { count: list.length };
}
