// The service worker. The server writes VERSION, ASSETS and PLACES above these lines (printfarm/installable.py), so it changes,
// and replaces the one before, whenever a page could look different. Its rules: docs/decisions/0022.
//   Pages come from the network, always. Only when there is none: what was last known of the queue and the printers, with its age.
//   Static files of this version come from the cache; their addresses carry a hash of the content.
//   Everything else (what is sent, sockets, stored files, answers to scripts) does not pass through here at all.
const FILES = `files-${VERSION}`;
const LAST_KNOWN = "last-known";
const KEPT_AT = "x-kept-at";
const A_MINUTE_MS = 60000;
const A_WEEK_MS = 7 * 86400000;

let askedAt = 0;
let session = 0; // counts up when one ends: what was asked for in an earlier one is not kept
let written = Promise.resolve(); // one after the other: what an ended session still wants to keep never undoes the next one's

addEventListener("install", (event) => event.waitUntil(prepare()));
addEventListener("activate", (event) => event.waitUntil(takeOver()));
addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (origin !== location.origin) return;
  if (endsSession(request, pathname)) event.waitUntil(forget());
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && !pathname.startsWith(PLACES.files)) event.respondWith(showPage(request));
  else if (ASSETS.includes(pathname + search)) event.respondWith(showFile(request));
  if (PLACES.shows.includes(pathname)) event.waitUntil(keep());
});

async function prepare() {
  const cache = await caches.open(FILES);
  await cache.addAll(ASSETS);
  await skipWaiting();
}

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== FILES && name !== LAST_KNOWN).map((name) => caches.delete(name)));
  await clients.claim();
  keep(); // not awaited: pages are not shown until this has ended
}

function endsSession({ method }, pathname) {
  const within = (place) => pathname === place || pathname.startsWith(`${place}/`);
  return PLACES.entrances.some(within) || (method === "POST" && PLACES.exits.some(within));
}

async function showPage(request) {
  try {
    return await fetch(request);
  } catch {
    return lastKnown();
  }
}

async function showFile(request) {
  const cache = await caches.open(FILES);
  return (await cache.match(request, { ignoreVary: true })) || fetch(request);
}

async function lastKnown() {
  const kept = await caches.match(PLACES.snapshot, { cacheName: LAST_KNOWN, ignoreVary: true });
  if (kept && Date.now() - kept.headers.get(KEPT_AT) < A_WEEK_MS) return kept;
  return (await caches.match(PLACES.nothing, { cacheName: FILES, ignoreVary: true })) || Response.error();
}

async function keep() {
  if (Date.now() - askedAt < A_MINUTE_MS) return;
  askedAt = Date.now();
  const mine = session;
  const answer = await fetch(PLACES.snapshot, { redirect: "manual", cache: "no-store" }).catch(() => null);
  if (!answer || mine !== session) return;
  if (answer.type === "opaqueredirect") await forget(); // the way to the sign-in page
  if (!answer.ok) return;
  const headers = new Headers(answer.headers);
  headers.set(KEPT_AT, Date.now());
  headers.delete("content-encoding");
  const page = new Response(await answer.blob(), { headers });
  await write(async () => mine === session && (await caches.open(LAST_KNOWN)).put(PLACES.snapshot, page));
}

async function forget() {
  session += 1;
  askedAt = 0;
  await write(() => caches.delete(LAST_KNOWN));
}

function write(change) {
  written = written.then(change).catch(() => {});
  return written;
}
