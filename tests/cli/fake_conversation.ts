/**
 * A node with one conversation, as its admin API shows it.
 *
 * @module
 */
import type {
  GroupHistoryView,
  HistoryMessage,
  HistoryView,
} from "../../protocol/messaging_api.ts";
import { type FakeAdmin, type FakeAnswer, type SeenRequest, startFakeAdmin } from "./fake_admin.ts";

export const OWN = "z6MkoT4KkdzYdPdepnmVu8Mh52aKzPTMjfvRdNqzoeNnkRoV";
export const PEER = "z6MksLQg6ZMcowK4k5SRMU4Rk5dAEedCsz9Lpxn3WrrhexFc";

export const GROUP = "bjVP5G0XlGDCPN4ntm_JGc43c3DRbQasUw2BmtXhUTw";

export class FakeConversation implements AsyncDisposable {
  readonly admin: FakeAdmin;
  readonly messages: HistoryMessage[] = [];
  /** Set for a group, whose id stands for the conversation. */
  group: GroupHistoryView | null = null;
  draft = "";
  unread = 0;
  sessions = 1;
  trouble: string | null = null;
  /** What was offered, as `GET /offers` has it. */
  offers: readonly unknown[] = [];
  /** What the next text is refused with. */
  refusal: string | null = null;
  #events: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor() {
    this.admin = startFakeAdmin((request) => this.#answer(request));
  }

  /** What was posted to a route. */
  posted(path: string): unknown[] {
    return this.admin.seen.filter((request) => request.path === `/m/messaging${path}`)
      .map(({ body }) => body);
  }

  add(from: string, text: string, more: Partial<HistoryMessage> = {}): void {
    const isOwn = from === OWN;
    this.messages.push({
      id: `id${this.messages.length}`,
      conversation: PEER,
      run: null,
      n: null,
      from,
      text,
      sent_at: 0,
      state: isOwn ? { [PEER]: "waiting" } : { [OWN]: "delivered" },
      ...more,
    });
  }

  tell(event: string, data: Record<string, unknown>): void {
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#events?.enqueue(new TextEncoder().encode(text));
  }

  /** The node stops. */
  endEvents(): void {
    this.#events?.close();
    this.#events = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#events !== null) this.endEvents();
    await this.admin[Symbol.asyncDispose]();
  }

  #answer({ method, path, body }: SeenRequest): FakeAnswer {
    const [route = ""] = path.split("?");
    const input = body as Record<string, string>;
    switch (`${method} ${route}`) {
      case "GET /admin/v1/events":
        return this.#stream();
      case "GET /admin/v1/id":
        return { json: { node_id: OWN } };
      case "POST /admin/v1/peers/show":
        return { json: { sessions: this.sessions, last_error: this.#lastError() } };
      case "GET /m/authentication/challenges":
        return { json: { challenges: [] } };
      case "GET /m/file_sharing/offers":
        return { json: { offers: this.offers } };
      case "GET /m/messaging/history":
        return { json: this.#page(new URLSearchParams(path.split("?")[1])) };
      case "GET /m/messaging/draft":
        return { json: { peer: PEER, text: this.draft } };
      case "PUT /m/messaging/draft":
        this.draft = input.text!;
        return { json: {} };
      case "POST /m/messaging/read":
        this.unread = 0;
        return { json: {} };
      case "POST /m/messaging/messages":
        if (this.refusal !== null) {
          return { status: 503, json: { code: "overloaded", detail: this.refusal } };
        }
        this.add(OWN, input.text!);
        return { json: { id: "x", peer: PEER, state: "queued", rtt_ms: null } };
      default:
        return { json: {} };
    }
  }

  #lastError() {
    return this.trouble === null ? null : { code: "unreachable", text: this.trouble };
  }

  #page(query: URLSearchParams): HistoryView {
    const end = Number(query.get("before") ?? this.messages.length);
    const begin = Math.max(0, end - Number(query.get("limit")));
    return {
      ...(this.group === null
        ? { conversation: PEER, petname: "anna" }
        : { conversation: GROUP, petname: null, group: this.group }),
      unread: this.unread,
      receipts: true,
      messages: this.messages.slice(begin, end),
      older: begin === 0 ? null : begin,
    };
  }

  #stream(): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#events = controller;
        controller.enqueue(new TextEncoder().encode(": here\n\n"));
      },
      cancel: () => void (this.#events = null),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
}
