/**
 * The console of a node in this process, as a browser meets it, with somebody signed in.
 *
 * @module
 */
import { PageFiles } from "../../modules/console/page_files.ts";
import { ADMIN_TOKEN } from "../world/compose_node.ts";

const BEARER = { authorization: `Bearer ${ADMIN_TOKEN}` };

type Handler = (request: Request) => Promise<Response>;

/** What somebody is who has signed in by the terminal's link. */
const SESSION = {
  role: "owner",
  started_at: 0,
  idle_until: 4e12,
  ends_at: 4e12,
  stepped_up_until: null,
  factors: { passkey: 0, totp: false, password: false, recovery: 0 },
};

export class ConsoleSite implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #page = new PageFiles();
  readonly #admin: Handler;
  /** What is answered at a path instead of by the node, whoever asks. */
  readonly answers = new Map<string, () => unknown>([
    ["/auth/v1/session", () => SESSION],
    ["/auth/v1/challenges", () => ({ challenges: [] })],
    ["/auth/v1/factors", () => ({ factors: [] })],
    ["/auth/v1/sessions", () => ({ sessions: [] })],
  ]);

  constructor(admin: Handler) {
    this.#admin = admin;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get url(): string {
    return `http://localhost:${this.#server.addr.port}/console/`;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    if (pathname.startsWith("/console")) return await this.#page.answer(request);
    const fixed = this.answers.get(pathname);
    if (fixed !== undefined) return Response.json(fixed());
    const { method, signal } = request;
    const body = method === "GET" ? {} : { body: await request.bytes() };
    const asked = new Request(`http://127.0.0.1${pathname}${search}`, {
      method,
      headers: BEARER,
      signal,
      ...body,
    });
    const { status, headers, body: content } = await this.#admin(asked);
    return new Response(content, { status, headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
