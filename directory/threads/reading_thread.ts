/**
 * A thread of a directory that answers look-ups from its own memory, and has everything else answered by the thread that
 * stores.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock, Log } from "../../ports/ports.ts";
import { addressSource } from "../../protocol/address_source.ts";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";
import { type AnsweringParts, counted, errorResponse, withinLimit } from "../answering.ts";
import { type Counted, Counters } from "../counters.ts";
import type { RouteHandler } from "../handlers.ts";
import { addressRate, type Limiter } from "../limiters.ts";
import { LookUps } from "../lookup.ts";
import { lookUpIdOf, pathOf } from "../plain_look_up.ts";
import { SharedRate } from "../shared_limits.ts";
import { NodeCache } from "../stores/node_cache.ts";
import { ChangeMarks, type SharedFilter, SharedKnowledge } from "../stores/shared_reads.ts";
import { type DirectoryStore, type FoundNode, isKnown, NOTHING_FOUND } from "../stores/store.ts";
import type { DeskCalls, ThreadSetUp } from "./thread_desk.ts";

/** What a thread asks of the one that stores, as promises. */
export type Desk = {
  readonly [N in keyof DeskCalls]: (
    argument: Parameters<DeskCalls[N]>[0],
  ) => Promise<Awaited<ReturnType<DeskCalls[N]>>>;
};

interface Kept {
  readonly found: FoundNode;
  /** The count of changes as it stood before the store was asked. */
  readonly mark: number;
}

/** What this thread has of the store. */
class ThreadStore implements Pick<DirectoryStore, "atHand" | "find"> {
  readonly #desk: Pick<Desk, "find">;
  readonly #marks: ChangeMarks;
  readonly #known: SharedKnowledge;
  readonly #cache = new NodeCache<Kept>();

  constructor(
    parts: { readonly desk: Pick<Desk, "find">; readonly marks: ChangeMarks } & {
      readonly known: SharedKnowledge;
    },
  ) {
    this.#desk = parts.desk;
    this.#marks = parts.marks;
    this.#known = parts.known;
  }

  atHand(id: NodeId): FoundNode | null {
    const mark = this.#marks.of(id);
    const kept = this.#cache.get(id);
    if (kept?.mark === mark) return kept.found;
    return this.#known.mayHave(id) ? null : NOTHING_FOUND;
  }

  async find(id: NodeId): Promise<FoundNode> {
    const mark = this.#marks.of(id);
    const found = await this.#desk.find(id);
    if (isKnown(found)) this.#cache.set(id, { found, mark });
    return found;
  }
}

interface ReadingParts {
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly log: Log;
  readonly desk: Desk;
  /** Has a request answered by the thread that stores. @throws {OpenRedError} Where its body does not come. */
  readonly passOn: (request: Request, address: string) => Promise<Response>;
}

/** One such thread. */
export class ReadingThread {
  readonly #parts: ReadingParts;
  readonly #ownId: NodeId;
  readonly #known: SharedKnowledge;
  readonly #answering: AnsweringParts & { readonly metrics: Counters };
  readonly #proxies: TrustedProxies;
  readonly #perAddress: Limiter;
  readonly #lookUp: RouteHandler;

  constructor(parts: ReadingParts, setUp: ThreadSetUp) {
    const { clock, log, desk } = parts;
    this.#parts = parts;
    this.#ownId = setUp.ownId;
    this.#answering = { log, metrics: new Counters() };
    this.#proxies = TrustedProxies.parse(setUp.trustedProxies) ?? TrustedProxies.NONE;
    this.#perAddress = new SharedRate(
      { clock, counters: { take: ({ source, wanted }) => desk.take({ source, wanted }) } },
      addressRate(setUp.addressPerMinute),
    );
    const marks = new ChangeMarks(setUp.marks);
    this.#known = new SharedKnowledge(marks);
    const store = new ThreadStore({ desk, marks, known: this.#known });
    const lookUps = new LookUps({ clock, metrics: this.#answering.metrics, store });
    this.#lookUp = counted(this.#answering, {
      route: { method: "GET", name: "lookUp" },
      handle: (_request, { id }) => lookUps.answer(id),
    });
  }

  /** A new filter of known ids. */
  adopt(filter: SharedFilter): void {
    this.#known.adopt(filter);
  }

  /** What this thread has counted. */
  counts(): readonly Counted[] {
    return this.#answering.metrics.all();
  }

  /** Neither throws nor rejects. */
  answer(request: Request, address: string): Response | Promise<Response> {
    const id = lookUpIdOf(request, pathOf(request.url));
    // Its own record is signed anew now and then.
    if (id === null || id === this.#ownId) return this.#passOn(request, address);
    const source = addressSource(this.#proxies.clientOf(address, request));
    return withinLimit(this.#answering, {
      limiter: this.#perAddress,
      source,
      answer: () => this.#lookUp(request, { id, source }),
    });
  }

  async #passOn(request: Request, address: string): Promise<Response> {
    try {
      return await this.#parts.passOn(request, address);
    } catch (error) {
      return errorResponse(this.#answering, error);
    }
  }
}
