/**
 * Looking one node up by its id.
 *
 * @module
 */
import { isNodeId, type NodeId } from "../crypto/encoding.ts";
import type { Clock } from "../ports/ports.ts";
import type { LeaseStatus, NodeAnswer } from "../protocol/directory_api.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { JSON_HEAD, problemAnswer } from "../protocol/http.ts";
import { TextAnswer } from "../protocol/text_answer.ts";
import { nodeAnswer } from "./entries.ts";
import { statusAt } from "./leases.ts";
import type { Count, Counters } from "./counters.ts";
import type { OwnRecord } from "./own_record.ts";
import type { DirectoryEntry, DirectoryStore, FoundNode } from "./stores/store.ts";
import { refuseSucceeded } from "./succeeded.ts";

/** A node that is about to register should be found soon after. */
const UNKNOWN_RETRY_MS = 5_000;

export function nodeUnknownError(): OpenRedError {
  return new OpenRedError("node_unknown", "No such node is registered here", {
    retryAfterMs: UNKNOWN_RETRY_MS,
  });
}

/** How a node was shown last. */
interface Shown {
  readonly text: string;
  readonly status: LeaseStatus;
}

/** What the directory shows of itself. */
export function ownAnswer(own: OwnRecord): NodeAnswer {
  const members = { api_url: own.apiUrl, last_seen: own.seq, status: "active" } as const;
  return { record: own.text, node_id: own.id, ...members };
}

interface LookUpParts {
  readonly clock: Pick<Clock, "nowMs">;
  readonly metrics: Pick<Counters, "counter">;
  readonly store: Pick<DirectoryStore, "atHand" | "find">;
}

/** Answers look-ups, at once where the store has what it takes at hand. */
export class LookUps {
  readonly #parts: LookUpParts;
  readonly #shown = new WeakMap<DirectoryEntry, Shown>();
  /** Asked for ids that nobody has, which anybody can make. */
  readonly #unknown = problemAnswer(nodeUnknownError());
  readonly #unknownCount: Count;

  constructor(parts: LookUpParts) {
    this.#parts = parts;
    this.#unknownCount = parts.metrics.counter("openred_refusals_total", { code: "node_unknown" });
  }

  /**
   * Finds a node, listed or not.
   * @throws {OpenRedError} `bad_request` or `succeeded`, also as a rejection.
   */
  answer(id: string): Response | Promise<Response> {
    const { store } = this.#parts;
    const found = store.atHand(id as NodeId);
    if (found !== null) return this.#answerOf(id, found);
    return store.find(id as NodeId).then((asked) => this.#answerOf(id, asked));
  }

  #answerOf(id: string, found: FoundNode): Response {
    refuseSucceeded(found);
    if (found.entry !== null) {
      return new TextAnswer(JSON_HEAD, this.#textOf(found.entry)).asResponse();
    }
    // What is found has an id, so only what is not found has to be looked at.
    if (!isNodeId(id)) throw new OpenRedError("bad_request", "The path does not end in a node id");
    this.#unknownCount.value += 1;
    return new TextAnswer(this.#unknown.head, this.#unknown.content).asResponse();
  }

  #textOf(entry: DirectoryEntry): string {
    const nowMs = this.#parts.clock.nowMs();
    const shown = this.#shown.get(entry);
    if (shown !== undefined && shown.status === statusAt(entry, nowMs)) return shown.text;
    const answer = nodeAnswer(entry, nowMs);
    const text = JSON.stringify(answer);
    this.#shown.set(entry, { text, status: answer.status });
    return text;
  }
}
