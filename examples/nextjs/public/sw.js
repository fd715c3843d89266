// The service worker: the front end opens without a network. It keeps the page "/" of the last visit, which is rendered
// for one person, and the files of this build. It keeps nothing of /api/ and nothing of the task service.
const build = new URL(location.href).searchParams.get("build");
const PAGE = `page-${build}`; // lib/kept-page.ts deletes it
const FILES = `files-${build}`;
const HOME = "/";
const OFFLINE = "/offline.html";
const TIME_LIMIT = 3000; // milliseconds for the network, when there is a kept page

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(activate()));
addEventListener("message", (event) => event.waitUntil(keep(event)));
addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin || pathname.startsWith("/api/")) return;
  if (isFile(url)) event.respondWith(file(event));
  else if (mode === "navigate") event.respondWith(page(event));
});

async function install() {
  const files = await caches.open(FILES);
  await files.add(OFFLINE);
  await skipWaiting();
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== PAGE && name !== FILES).map((name) => caches.delete(name)));
  await clients.claim();
}

const isFile = (url) => url.startsWith(`${location.origin}/_next/static/`);

/** Files have a hash of their content in their names, so a kept file is never outdated. */
async function file(event) {
  const files = await caches.open(FILES);
  const kept = await files.match(event.request);
  if (kept) return kept;
  const response = await fetch(event.request);
  if (response.ok) event.waitUntil(files.put(event.request, response.clone()));
  return response;
}

async function page(event) {
  const fresh = load(event, event.request);
  event.waitUntil(fresh.catch(() => null)); // a late page is kept as well
  const late = new Promise((resolve) => setTimeout(resolve, TIME_LIMIT));
  const response = await Promise.race([fresh, late]).catch(() => null);
  if (response && response.status < 500) return response;
  return (await keptPage(event.request.url)) ?? fresh.catch(() => caches.match(OFFLINE));
}

async function keptPage(url) {
  if (new URL(url).pathname !== HOME) return undefined;
  const pages = await caches.open(PAGE);
  return pages.match(HOME);
}

/**
 * Send the request and keep the page. The cache is opened before the request: a page that was requested before a
 * sign-out goes into the cache that the sign-out deletes.
 */
async function load(event, request) {
  const pages = await caches.open(PAGE);
  const response = await fetch(request);
  if (new URL(request.url).pathname !== HOME) return response;
  if (response.ok) event.waitUntil(pages.put(HOME, response.clone()));
  if (response.type === "opaqueredirect") event.waitUntil(caches.delete(PAGE)); // to the sign-in
  return response;
}

/** Keep what a page has loaded before this worker controlled it: `data` are the addresses of its files. */
async function keep(event) {
  const files = await caches.open(FILES);
  const add = async (url) => (await files.match(url)) ?? files.add(url);
  const home = async (url) => (await keptPage(url)) ?? load(event, new Request(url, { redirect: "manual" }));
  const { url } = event.source;
  await Promise.all([...event.data.filter(isFile).map(add), new URL(url).pathname === HOME && home(url)]);
}
