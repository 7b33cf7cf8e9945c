import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { recordPayload, signText, type TestIdentity, testIdentity } from "../protocol/signer.ts";
import type { FakeClock } from "../world/fake_clock.ts";

type Changes = Readonly<Record<string, unknown>>;

/** What a node's URL answers to a call. */
export type Answer = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;

export function answerJson(status: number, content: unknown): HttpAnswer {
  const body = encodeUtf8(JSON.stringify(content));
  return { status, headers: new Headers(), body };
}

/** The HTTP client of a directory whose calls end at fake nodes. */
export class FakeNetwork implements HttpClient {
  readonly #answers = new Map<string, Answer>();
  readonly requests: HttpRequest[] = [];

  /** Has every URL that begins with `apiUrl` answer so. */
  serve(apiUrl: string, answer: Answer): void {
    this.#answers.set(apiUrl, answer);
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    this.requests.push(request);
    for (const [apiUrl, answer] of this.#answers) {
      if (request.url.startsWith(`${apiUrl}/`)) return await answer(request);
    }
    throw new OpenRedError("unreachable", "Nobody is there");
  }

  openChannel(): never {
    throw new Error("A directory opens no channels");
  }
}

/** A node that signs what a test asks of it. */
export class FakeNode {
  readonly identity: TestIdentity;
  readonly apiUrl: string;
  readonly noiseKey: string;
  readonly #clock: FakeClock;
  /** What it got at `/tokens/receive`. */
  readonly received: { envelope: string; directory: string }[] = [];
  receiveStatus = 200;
  identityChanges: Changes = {};

  constructor(
    seedByte: number,
    options: { clock: FakeClock; network: FakeNetwork; noiseKey?: Uint8Array },
  ) {
    this.identity = testIdentity(seedByte);
    this.apiUrl = `https://node${seedByte}.example`;
    // Any 32 bytes with the high bit clear are a public key; the base point's u is as good as others.
    this.noiseKey = encodeBase64Url(options.noiseKey ?? new Uint8Array(32).fill(seedByte & 0x7f));
    this.#clock = options.clock;
    options.network.serve(this.apiUrl, (request) => this.#answer(request));
  }

  get id(): NodeId {
    return this.identity.id;
  }

  /** A record signed now; `seq` moves `iat` and `exp` with it unless those are given. */
  record(changes: Changes = {}): string {
    const seq = (changes["seq"] as number | undefined) ?? this.#clock.nowMs();
    const iat = Math.floor(seq / 1000);
    const times = { seq, iat, exp: iat + 86_400 };
    const own = { api_url: this.apiUrl, noise_key: this.noiseKey };
    const payload = recordPayload(this.identity, { ...times, ...own, ...changes });
    return signText(this.identity, payload, { typ: "openred-record+jwt" });
  }

  gone(changes: Changes = {}): string {
    return this.record({ gone: true, api_url: "", ...changes });
  }

  #answer(request: HttpRequest): HttpAnswer {
    const url = new URL(request.url);
    if (url.pathname === "/tokens/receive") {
      this.received.push(JSON.parse(new TextDecoder().decode(request.body)));
      return answerJson(this.receiveStatus, { received: true });
    }
    return answerJson(200, { record: this.record(), identity: this.statement(url.searchParams) });
  }

  statement(asked: URLSearchParams): string {
    const statement = {
      v: 3,
      iss: this.id,
      aud: asked.get("directory"),
      nonce: asked.get("nonce"),
      api_url: this.apiUrl,
      noise_key: this.noiseKey,
      iat: Math.floor(this.#clock.nowMs() / 1000),
      ...this.identityChanges,
    };
    return signText(this.identity, statement, { typ: "openred-identity+jwt" });
  }
}
