/**
 * Delete the page that the service worker (public/sw.js) keeps, because it was rendered for one person.
 * `lib/auth-client.ts` calls it after each sign-in, sign-out and deletion of an account.
 */
export async function forgetPage(): Promise<void> {
  if (!globalThis.caches) return; // there are no caches over plain HTTP, except on localhost
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("page-")).map((name) => caches.delete(name)));
}
