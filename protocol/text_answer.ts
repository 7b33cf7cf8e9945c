/**
 * Answers that are there as text. The runtime's own object costs more than all the rest of a plain look-up, so it is
 * made only where somebody asks for what it alone can do.
 *
 * @module
 */

/** Status and headers of an answer; one may stand before many. */
export class AnswerHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The headers as they are written, each on a line with its end. */
  readonly lines: string;

  /** @param headers Names in lower case. Neither holds a line end, or anything but ASCII. */
  constructor(status: number, headers: Readonly<Record<string, string>>) {
    this.status = status;
    this.headers = headers;
    let lines = "";
    for (const name in headers) lines += `${name}: ${headers[name]}\r\n`;
    this.lines = lines;
  }
}

/** What is used of a `Response` where answers are made, looked at and sent. */
type UsedResponse = Pick<
  Response,
  | "status"
  | "statusText"
  | "ok"
  | "headers"
  | "body"
  | "bodyUsed"
  | "arrayBuffer"
  | "bytes"
  | "text"
  | "json"
  | "clone"
>;

/** One answer. */
export class TextAnswer implements UsedResponse {
  readonly head: AnswerHead;
  readonly content: string;
  #response: Response | null = null;

  constructor(head: AnswerHead, content: string) {
    this.head = head;
    this.content = content;
  }

  /** Whether it is still what it was made of: of a `Response` headers can be changed, and the body be used up. */
  get isUntouched(): boolean {
    return this.#response === null;
  }

  get status(): number {
    return this.head.status;
  }

  get statusText(): string {
    return "";
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get headers(): Headers {
    return this.#whole().headers;
  }

  get body(): Response["body"] {
    return this.#whole().body;
  }

  get bodyUsed(): boolean {
    return this.#whole().bodyUsed;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#whole().arrayBuffer();
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#whole().bytes();
  }

  text(): Promise<string> {
    return this.#whole().text();
  }

  json(): Promise<unknown> {
    return this.#whole().json();
  }

  clone(): Response {
    return this.#whole().clone();
  }

  /** The same for whoever handles answers. */
  asResponse(): Response {
    return this as unknown as Response;
  }

  #whole(): Response {
    const { status, headers } = this.head;
    return this.#response ??= new Response(this.content, { status, headers });
  }
}
