/** The servers of the browser test: the page, and a proxy before the service that breaks connections. */
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { build } from "esbuild";

/** Serve a page with the script of app.ts. */
export async function servePage() {
  const options = { bundle: true, format: "esm", write: false, target: "es2022" } as const;
  const { outputFiles } = await build({ entryPoints: [`${import.meta.dirname}/app.ts`], ...options });
  return serve((request, response) => {
    const isScript = request.url === "/app.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(
      isScript
        ? outputFiles[0]!.text
        : '<!doctype html><title>Tasks</title><script type="module" src="/app.js"></script>',
    );
  });
}

/** A proxy. `faults.share` of the requests are cut: before the service, after its work, or within the response. */
export async function serveProxy(service: string) {
  const faults = { share: 0, before: 0, after: 0, within: 0 };
  const server = await serve((request, response) => {
    const kind =
      Math.random() < faults.share ? (["before", "after", "within"] as const)[Math.floor(Math.random() * 3)]! : null;
    if (kind) faults[kind]++;
    if (kind === "before") return void response.destroy();
    pass(service, request, response, kind);
  });
  return { ...server, faults };
}

function pass(service: string, request: IncomingMessage, response: ServerResponse, fault: "after" | "within" | null) {
  const { method, headers, url } = request;
  const answered = async (answer: IncomingMessage) => {
    const body = Buffer.concat(await answer.toArray());
    if (fault === "after") return void response.destroy();
    response.writeHead(answer.statusCode!, answer.headers);
    if (fault === null) return void response.end(body);
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
  };
  const sent = forward(service + url, { method, headers }, (answer) => void answered(answer));
  sent.on("error", () => response.destroy());
  request.pipe(sent);
}

function serve(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer(handler);
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      resolve({ url: `http://127.0.0.1:${port}`, stop });
    });
  });
}
