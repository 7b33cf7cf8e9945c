/** An HTTP server on a port of the system's choice, for one test. */
export function serveLoopback(
  handler: (request: Request) => Response | Promise<Response>,
): { readonly url: string; [Symbol.asyncDispose](): Promise<void> } {
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
