/**
 * A server on a free loopback port.
 *
 * @module
 */

import { TextAnswer } from "../../protocol/text_answer.ts";

export type Handler = (request: Request, address: string) => Response | Promise<Response>;

/** Listens from the start; what it answers may be exchanged. */
export class LoopbackListener implements AsyncDisposable {
  handler: Handler;
  readonly url: string;
  readonly #stop = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(handler: Handler = () => new Response(null, { status: 503 })) {
    this.handler = handler;
    const { signal } = this.#stop;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, signal, onListen() {} },
      async (request, info) => {
        const answer = await this.handler(request, info.remoteAddr.hostname);
        // The runtime's server takes nothing but the runtime's own objects.
        return answer instanceof TextAnswer ? new Response(answer.body, answer) : answer;
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Drops connections too: a client that keeps an idle one would be waited for otherwise. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }
}
