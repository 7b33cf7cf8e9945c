/**
 * A server on a free loopback port.
 *
 * @module
 */
import { HttpListener } from "../../ports/system_listener.ts";

export type Handler = (request: Request, address: string) => Response | Promise<Response>;

/** Listens from the start; what it answers may be exchanged. */
export class LoopbackListener implements AsyncDisposable {
  handler: Handler;
  readonly url: string;
  readonly #listener: HttpListener;

  constructor(handler: Handler = () => new Response(null, { status: 503 })) {
    this.handler = handler;
    this.#listener = new HttpListener({
      hostname: "127.0.0.1",
      port: 0,
      log: { log: () => {} },
      answer: async (request, address) => await this.handler(request, address),
    });
    this.url = `http://127.0.0.1:${this.#listener.port}`;
  }

  /** Drops connections too: a client that keeps an idle one would be waited for otherwise. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.shutdown();
  }
}
