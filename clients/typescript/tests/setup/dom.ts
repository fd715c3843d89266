/** A document for React. Only its own names become global: `fetch`, `AbortSignal` and the others stay those of Node. */
import { Window } from "happy-dom";

const window = new Window({ url: "http://localhost/" });
const names = { window, document: window.document, navigator: window.navigator };
for (const [name, value] of Object.entries(names))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
