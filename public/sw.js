// Keeps the app for use without a network: its shell, workers, weights and demos. Never the user's data.
//
// `cargo xtask build` fills in the next three lines.
const RELEASE = "unstamped";
// Paths of the page, its styles and its workers: kept per release.
const SHELL = [];
// Path → digest of the weights and demos: kept by content, so that an update doesn't fetch them again.
const CONTENT = {};

const SHELL_CACHE = `hone-shell-${RELEASE}`;
const CONTENT_CACHE = "hone-content";
const AT_ONCE = 6;

// The same file works below any path of any host.
const scope = new URL("./", self.location).href;
const address = (path) => new URL(path, scope).href;
const contentKey = (path) => `${address(path)}?${CONTENT[path]}`;

// Past the browser's own cache: two releases may use the same name for a worker's file.
async function fetchFresh(path) {
  const response = await fetch(address(path), { cache: "no-cache" });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  // Some hosts send `page.html` on to `page`, and a browser refuses such an answer for a page: keep what it holds.
  return response.redirected ? new Response(response.body, { headers: response.headers }) : response;
}

async function keepShell() {
  const cache = await caches.open(SHELL_CACHE);
  await Promise.all(SHELL.map(async (path) => cache.put(address(path), await fetchFresh(path))));
}

async function keepContent() {
  const cache = await caches.open(CONTENT_CACHE);
  const left = Object.keys(CONTENT);
  const keepNext = async () => {
    for (let path = left.shift(); path !== undefined; path = left.shift()) {
      // A demo that didn't come must not keep the app from working offline; it is fetched when it is asked for.
      try {
        if (!(await cache.match(contentKey(path)))) await cache.put(contentKey(path), await fetchFresh(path));
      } catch (error) {
        console.warn("not kept for offline use:", error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, keepNext));
}

async function dropOld() {
  for (const name of await caches.keys()) {
    if (name.startsWith("hone-shell-") && name !== SHELL_CACHE) await caches.delete(name);
  }
  const wanted = new Set(Object.keys(CONTENT).map(contentKey));
  const cache = await caches.open(CONTENT_CACHE);
  for (const request of await cache.keys()) {
    if (!wanted.has(request.url)) await cache.delete(request);
  }
}

async function answerShell(path, request) {
  const kept = await (await caches.open(SHELL_CACHE)).match(address(path));
  return kept ?? fetch(request);
}

async function answerContent(path, request) {
  const cache = await caches.open(CONTENT_CACHE);
  const kept = await cache.match(contentKey(path));
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await cache.put(contentKey(path), response.clone());
  return response;
}

// Once this is done the app works offline; an update then waits until the user accepts it.
self.addEventListener("install", (event) => event.waitUntil(keepShell().then(keepContent)));

self.addEventListener("activate", (event) => event.waitUntil(dropOld().then(() => self.clients.claim())));

self.addEventListener("message", (event) => {
  if (event.data === "activate") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(scope)) return;
  const path = decodeURI(request.url.slice(scope.length).split(/[?#]/)[0]);
  if (request.mode === "navigate") {
    // One page for every address that isn't a file: the screen is in the fragment.
    if (!(path in CONTENT)) event.respondWith(answerShell(SHELL.includes(path) ? path : "./", request));
  } else if (SHELL.includes(path)) {
    event.respondWith(answerShell(path, request));
  } else if (path in CONTENT) {
    event.respondWith(answerContent(path, request));
  }
});
