"use client";

import { useEffect } from "react";

const filesOfThisPage = () => performance.getEntriesByType("resource").map(({ name }) => name);

/** Registers public/sw.js, in `npm start` only: in development a kept file would hide a change. */
export function ServiceWorker() {
  useEffect(() => {
    const workers: ServiceWorkerContainer | undefined = navigator.serviceWorker; // missing over plain HTTP
    if (!workers) return;
    if (process.env.NODE_ENV !== "production") return void unregister(workers);
    const keep = () => workers.controller?.postMessage(filesOfThisPage());
    workers.addEventListener("controllerchange", keep);
    keep();
    workers.register(`/sw.js?build=${process.env.NEXT_PUBLIC_BUILD}`).catch(console.warn);
    return () => workers.removeEventListener("controllerchange", keep);
  }, []);
  return null;
}

async function unregister(workers: ServiceWorkerContainer) {
  for (const registration of await workers.getRegistrations()) await registration.unregister();
}
