/**
 * One end of a plain HTTP download: serves a file, or fetches one into another.
 *
 * @module
 */
import { runCommands } from "./command_loop.ts";

await runCommands({
  /** @returns The URL. */
  serve(path: string): string {
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
      const file = await Deno.open(path);
      const { size } = await file.stat();
      return new Response(file.readable, { headers: { "content-length": String(size) } });
    });
    return `http://127.0.0.1:${server.addr.port}`;
  },
  /** Makes it durable, as whatever lands in a node's folder is. */
  async fetch({ url, path }: { url: string; path: string }): Promise<void> {
    const { body } = await fetch(url);
    const file = await Deno.open(path, { write: true, create: true, truncate: true });
    await body!.pipeTo(file.writable, { preventClose: true });
    await file.sync();
    file.close();
  },
});
Deno.exit(0);
