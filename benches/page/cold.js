// From this page's navigation to its first embedding; the parent hears how long that took, in milliseconds.

import { Contender, referenceCrops } from "./contender.js";

const [contender, [crop]] = await Promise.all([
  Contender.start(new URLSearchParams(location.search).get("engine")),
  referenceCrops(1),
]);
await contender.ask("crops", { crops: [crop] });
await contender.ask("embed", { count: 1 });
parent.postMessage({ cold: performance.now() }, location.origin);
