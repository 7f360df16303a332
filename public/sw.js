// Keeps the app for use without a network: its shell, workers, weights and demos. Never the user's data.
// Each file is kept, and served, only if it is the very file that this release was built with: a download that was cut off, or a file that
// somebody exchanged, is refused, and the release before goes on working.
//
// `cargo xtask build` fills in the next three lines.
const RELEASE = "unstamped";
// Path → SHA-256 of the page, its styles and its workers: kept per release.
const SHELL = {};
// Path → SHA-256 of the weights and demos: kept by content, so that an update doesn't fetch them again.
const CONTENT = {};

const SHELL_CACHE = `hone-shell-${RELEASE}`;
const CONTENT_CACHE = "hone-content";
const AT_ONCE = 6;

// The same file works below any path of any host.
const scope = new URL("./", self.location).href;
const address = (path) => new URL(path, scope).href;
const contentKey = (path) => `${address(path)}?${CONTENT[path].slice(0, 16)}`;

// A file that is not the one of this release.
class Exchanged extends Error {}

async function sha256(response) {
  const digest = await crypto.subtle.digest("SHA-256", await response.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Past the browser's own cache: two releases may use the same name for a worker's file.
async function fetchFresh(path) {
  const response = await fetch(address(path), { cache: "no-cache" });
  // Some hosts send `page.html` on to `page`, and a browser refuses such an answer for a page: keep what it holds.
  return response.redirected ? new Response(response.body, { status: response.status, headers: response.headers }) : response;
}

async function check(path, hash, response) {
  if ((await sha256(response.clone())) !== hash) {
    throw new Exchanged(`${path} is not the file that release ${RELEASE} was built with; it was cut off, or exchanged`);
  }
}

async function fetchChecked(path, hash) {
  const response = await fetchFresh(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  await check(path, hash, response);
  return response;
}

async function keepShell() {
  // All or none: nothing is kept before everything is there and right.
  const files = await Promise.all(Object.entries(SHELL).map(async ([path, hash]) => [path, await fetchChecked(path, hash)]));
  const cache = await caches.open(SHELL_CACHE);
  await Promise.all(files.map(([path, response]) => cache.put(address(path), response)));
}

async function keepContent() {
  const cache = await caches.open(CONTENT_CACHE);
  const left = Object.keys(CONTENT);
  const keepNext = async () => {
    for (let path = left.shift(); path !== undefined; path = left.shift()) {
      // A demo that didn't come must not keep the app from working offline; it is fetched when it is asked for.
      try {
        const kept = await cache.match(contentKey(path));
        if (!kept || (await sha256(kept)) !== CONTENT[path]) {
          await cache.put(contentKey(path), await fetchChecked(path, CONTENT[path]));
        }
      } catch (error) {
        console.warn("not kept for offline use:", error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, keepNext));
}

async function install() {
  try {
    await keepShell();
    await keepContent();
  } catch (error) {
    console.error("Hone: this release is not installed:", error);
    // The pages say so, too: those of the release that stays, and one that has none yet.
    const pages = error instanceof Exchanged ? await self.clients.matchAll({ type: "window", includeUncontrolled: true }) : [];
    for (const page of pages) page.postMessage({ hone: "refused", why: error.message });
    throw error;
  }
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

// What was found right since this worker was started: a disk may damage what it keeps, and pages of the same origin may write here.
const checked = new Set();

async function answer(cacheName, key, path, hash, request) {
  const cache = await caches.open(cacheName);
  const kept = await cache.match(key);
  if (kept) {
    if (checked.has(key) || (await sha256(kept.clone())) === hash) {
      checked.add(key);
      return kept;
    }
    console.error(`Hone: ${path} was kept, and is damaged; it is fetched anew.`);
    await cache.delete(key);
  }
  const fresh = await fetchFresh(path);
  // What is missing is told by its status.
  if (!fresh.ok) return fresh;
  try {
    await check(path, hash, fresh);
  } catch (error) {
    console.error("Hone:", error);
    if (!(error instanceof Exchanged) || request.mode !== "navigate") return Response.error();
    // Nothing of this release's page is left here, and the host has it no more: as on a first visit, the host's is all there is.
    await self.registration.unregister();
    return fetch(request);
  }
  await cache.put(key, fresh.clone());
  checked.add(key);
  return fresh;
}

// Once this is done the app works offline; an update then waits until the user accepts it.
self.addEventListener("install", (event) => event.waitUntil(install()));

self.addEventListener("activate", (event) => event.waitUntil(dropOld().then(() => self.clients.claim())));

self.addEventListener("message", (event) => {
  if (event.data === "activate") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(scope)) return;
  const path = decodeURI(request.url.slice(scope.length).split(/[?#]/)[0]);
  const inShell = Object.hasOwn(SHELL, path);
  const inContent = Object.hasOwn(CONTENT, path);
  // One page for every address that isn't a file: the screen is in the fragment.
  const isFile = inShell || inContent || path === "files.sha256";
  const page = request.mode === "navigate" && !isFile ? "./" : path;
  if (Object.hasOwn(SHELL, page)) {
    event.respondWith(answer(SHELL_CACHE, address(page), page, SHELL[page], request));
  } else if (inContent && request.mode !== "navigate") {
    event.respondWith(answer(CONTENT_CACHE, contentKey(path), path, CONTENT[path], request));
  }
});
