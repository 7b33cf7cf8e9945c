/**
 * A real node's listener on a free loopback port: the program's own, as its channels need.
 *
 * @module
 */
import { HttpListener } from "../../ports/system_listener.ts";
import type { Handler } from "./loopback_listener.ts";

/** Listens from the start; what it answers may be exchanged. */
export class NodeListener implements AsyncDisposable {
  handler: Handler = () => new Response(null, { status: 503 });
  readonly url: string;
  readonly #listener: HttpListener;

  constructor() {
    this.#listener = new HttpListener({
      hostname: "127.0.0.1",
      port: 0,
      log: { log: () => {} },
      answer: async (request, address) => await this.handler(request, address),
    });
    this.url = `http://127.0.0.1:${this.#listener.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.shutdown();
  }
}
