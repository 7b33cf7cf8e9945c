/**
 * An HTTP server that does nothing: what the runtime alone costs.
 *
 * @module
 */
Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) =>
      console.log(`ready ${JSON.stringify({ url: `http://127.0.0.1:${port}` })}`),
  },
  () => new Response(""),
);
