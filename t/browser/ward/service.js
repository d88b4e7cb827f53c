// SPDX-License-Identifier: Apache-2.0
// A service worker that is in the way of every request, and asks once by itself.
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => {
  const { searchParams } = new URL(event.request.url);
  if (searchParams.get('how') === 'own') event.respondWith(fetch('./?as=json&how=service'));
  else event.respondWith(fetch(event.request));
});
