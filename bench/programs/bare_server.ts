/**
 * A bare `Deno.serve` that answers fixed bytes.
 *
 * @module
 */
import { runCommands } from "./command_loop.ts";

interface FixedAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** @param answers By path with its query. @returns The port. */
function serve(answers: Record<string, FixedAnswer>): number {
  const byPath = new Map(Object.entries(answers));
  let originLength = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const answer = byPath.get(request.url.slice(originLength));
    if (answer === undefined) return new Response(null, { status: 404 });
    if (request.method === "POST") await request.arrayBuffer();
    const { status, headers, body } = answer;
    return new Response(body, { status, headers });
  });
  originLength = `http://127.0.0.1:${server.addr.port}`.length;
  return server.addr.port;
}

await runCommands({ serve });
Deno.exit(0);
