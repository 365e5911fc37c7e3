// A service worker: the page's own files from the server, and what was kept of them where it can't be reached.

const FILES = ["./", "chat.css", "chat.js", "client.js", "connection.js", "files.js", "memory.js", "view.js", "reliable.js", "icon.svg"];
const KEPT = "page";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname;
  const own = FILES.some((file) => new URL(file, self.registration.scope).pathname === path);
  if (request.method !== "GET" || !own) return;
  event.respondWith(
    fetch(request).then(
      (answer) => {
        if (answer.ok) {
          const copy = answer.clone();
          event.waitUntil(caches.open(KEPT).then((cache) => cache.put(request, copy)));
        }
        return answer;
      },
      () => caches.match(request, { ignoreSearch: true }),
    ),
  );
});
