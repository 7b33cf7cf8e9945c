/**
 * An HTTP client whose answers a test gives.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { Channel, HttpAnswer, HttpClient, HttpRequest } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";

type Answer = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;

export function answerJson(
  status: number,
  content: unknown,
  headers: Record<string, string> = {},
): HttpAnswer {
  return { status, headers: new Headers(headers), body: encodeUtf8(JSON.stringify(content)) };
}

export class FakeHttp implements HttpClient {
  readonly requests: HttpRequest[] = [];
  readonly channels: string[] = [];
  openedChannel: (() => Channel) | null = null;
  readonly #answers: [begin: string, answer: Answer][] = [];

  /** Has every URL that begins so answer so; the last that fits counts. */
  serve(begin: string, answer: Answer): void {
    this.#answers.unshift([begin, answer]);
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    this.requests.push(request);
    const found = this.#answers.find(([begin]) => request.url.startsWith(begin));
    if (found === undefined) throw new OpenRedError("unreachable", "Nobody is there");
    return await found[1](request);
  }

  openChannel({ url }: { url: string }): Promise<Channel> {
    this.channels.push(url);
    const { openedChannel } = this;
    if (openedChannel !== null) return Promise.resolve(openedChannel());
    return Promise.reject(new OpenRedError("unreachable", "Nobody is there"));
  }
}
