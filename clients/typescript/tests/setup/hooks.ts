import "./dom.js";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, renderHook, waitFor } from "@testing-library/react";
import { createElement, type ReactNode } from "react";
import { afterEach } from "vitest";
import type { Tasks } from "../../src/index.js";
import { TasksProvider } from "../../src/react/index.js";
import { clientFor, LossyNetwork, newUser } from "./clients.js";

afterEach(cleanup);

/** A network that can refuse and hold back writes, and counts the requests. */
export class Network extends LossyNetwork {
  refuse = 0;
  #held: Promise<void> | null = null;
  release = () => {};

  hold() {
    this.#held = new Promise((resolve) => (this.release = resolve));
  }

  override fetch = async (request: Request): Promise<Response> => {
    this.requests.push(request.clone());
    const isWrite = request.method !== "GET";
    if (isWrite) await this.#held;
    if (!isWrite || this.refuse-- <= 0) return fetch(request);
    return Response.json(
      { status: 500, title: "", code: "internal_error", detail: "Refused.", request_id: "r1" },
      { status: 500 },
    );
  };

  get reads() {
    return this.requests.filter((request) => request.method === "GET").length;
  }
}

/** A tab: hooks with a client, a cache and a network of their own. `other` is the same person elsewhere. */
export function openTab(user = newUser(), defaultOptions = {}) {
  const network = new Network();
  const tasks = clientFor(user, { fetch: network.fetch });
  const queries = new QueryClient({ defaultOptions });
  const wrapper = ({ children }: { children: ReactNode }) =>
    createElement(
      QueryClientProvider,
      { client: queries },
      createElement(TasksProvider, { tasks, user, children } as { tasks: Tasks; user: string }),
    );
  const render = <Result>(hook: () => Result) => renderHook(hook, { wrapper }).result;
  return { user, network, queries, render, other: clientFor(user) };
}

export { waitFor };
