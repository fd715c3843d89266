/** An HTTP server for responses that the real service does not give on demand: 503, broken connections, HTML. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

type Handler = (response: ServerResponse, request: IncomingMessage) => void;

export interface Fake extends AsyncDisposable {
  url: string;
  requests: { at: number; method: string; authorization?: string }[];
}

/** Start a server that handles the first request with the first handler, and further ones with the last. */
export function startFake(...handlers: Handler[]): Promise<Fake> {
  const requests: Fake["requests"] = [];
  const server = createServer((request, response) => {
    const handler = handlers[Math.min(requests.length, handlers.length - 1)]!;
    requests.push({ at: Date.now(), method: request.method!, authorization: request.headers.authorization });
    handler(response, request);
  });
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      resolve({ url: `http://127.0.0.1:${port}`, requests, [Symbol.asyncDispose]: stop });
    });
  });
}

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Handler =>
  (response) => {
    const type = status < 400 ? "application/json" : "application/problem+json";
    response.writeHead(status, { "Content-Type": type, ...headers }).end(JSON.stringify(body));
  };

export const problem = (status: number, code: string, headers?: Record<string, string>) =>
  json(status, { status, title: "", code, detail: `The code is ${code}.`, request_id: "r1" }, headers);

export const tasks = json(200, []);
export const cut: Handler = (response) => void response.destroy();
export const cutInTheBody: Handler = (response) => {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "100" }).write("[");
  setImmediate(() => response.destroy());
};
export const silence: Handler = () => {};
