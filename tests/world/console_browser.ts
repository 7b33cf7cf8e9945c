/**
 * A browser at the console of a node in this process: it keeps cookies and a storage, and says what browsers say.
 *
 * @module
 */
import { SESSION_HEADER } from "../../protocol/sign_in_api.ts";

export const CONSOLE = "http://localhost:7610";

type Handler = (request: Request) => Promise<Response>;

export interface ConsoleAnswer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

export class ConsoleBrowser {
  readonly cookies = new Map<string, string>();
  /** What the page keeps. */
  session: string | null = null;
  /** What is said besides, or instead; `null` leaves a header out. */
  headers: Record<string, string | null> = {};
  readonly #handle: Handler;
  readonly #origin: string;

  constructor(handle: Handler, origin = CONSOLE) {
    this.#handle = handle;
    this.#origin = origin;
  }

  /** @returns The answer as it is; cookies are kept. */
  async raw(method: string, path: string, content?: unknown): Promise<Response> {
    const body = content === undefined ? null : JSON.stringify(content);
    const said: Record<string, string | null> = {
      host: new URL(this.#origin).host,
      "sec-fetch-site": "same-origin",
      cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ") || null,
      [SESSION_HEADER]: this.session,
      ...(method === "GET" ? {} : { origin: this.#origin, "content-type": "application/json" }),
      ...this.headers,
    };
    const headers = Object.entries(said).filter((pair): pair is [string, string] =>
      pair[1] !== null
    );
    const request = new Request(this.#origin + path, { method, body, headers });
    const response = await this.#handle(request);
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return response;
  }

  async ask(method: string, path: string, content?: unknown): Promise<ConsoleAnswer> {
    const response = await this.raw(method, path, content);
    const text = await response.text();
    const body = text === "" ? null : JSON.parse(text);
    if (typeof body?.session === "string") this.session = body.session;
    return { status: response.status, headers: response.headers, body };
  }

  get(path: string): Promise<ConsoleAnswer> {
    return this.ask("GET", path);
  }

  post(path: string, content: unknown = {}): Promise<ConsoleAnswer> {
    return this.ask("POST", path, content);
  }

  #keep(line: string): void {
    const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
    const at = pair.indexOf("=");
    const name = pair.slice(0, at);
    if (attributes.includes("Max-Age=0")) this.cookies.delete(name);
    else this.cookies.set(name, pair.slice(at + 1));
  }
}
