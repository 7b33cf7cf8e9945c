/**
 * The nodes that have a link: one each, the newest.
 *
 * @module
 */
import { encodeUtf8, type NodeId } from "../crypto/encoding.ts";
import type { Clock } from "../ports/ports.ts";
import { RELAY_REPLACE_MS } from "../protocol/limits.ts";
import { RELAY_CLOSE, type RelayBye } from "../protocol/relay.ts";
import type { RelayLink } from "../protocol/relay_link.ts";

const FULL_RETRY_MS = 60_000;

/** A link whose node is proven. */
export interface LinkedNode {
  readonly id: NodeId;
  /** base64url, 16 bytes: one run of the node. */
  readonly instance: string;
  readonly link: RelayLink;
}

interface Place {
  readonly node: LinkedNode;
  /** When it took the place of another instance, or `null`. */
  readonly replacedMs: number | null;
}

/** Why a link was not taken. */
export interface Refused {
  readonly code: RelayBye;
  readonly retryAfterMs?: number;
}

/** Says why a link ends, and ends it. */
export function sayBye(
  { link }: { readonly link: RelayLink },
  { code, retryAfterMs }: Refused,
): void {
  const bye = { code, ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }) };
  link.say("bye", encodeUtf8(JSON.stringify(bye)));
  link.close(RELAY_CLOSE.gone);
}

export class LinkedNodes {
  readonly #clock: Clock;
  readonly #maxNodes: number;
  readonly #allowed: ReadonlySet<string> | null;
  readonly #places = new Map<NodeId, Place>();

  constructor(
    clock: Clock,
    { allowed, maxNodes }: {
      readonly allowed: readonly NodeId[] | null;
      readonly maxNodes: number;
    },
  ) {
    this.#clock = clock;
    this.#maxNodes = maxNodes === 0 ? Infinity : maxNodes;
    this.#allowed = allowed === null ? null : new Set(allowed);
  }

  get size(): number {
    return this.#places.size;
  }

  find(id: NodeId): LinkedNode | null {
    return this.#places.get(id)?.node ?? null;
  }

  /** Gives a node its place. @returns Why not, or `null`. */
  take(node: LinkedNode): Refused | null {
    if (this.#allowed !== null && !this.#allowed.has(node.id)) return { code: "forbidden" };
    const held = this.#places.get(node.id);
    if (held === undefined && this.#places.size >= this.#maxNodes) {
      return { code: "full", retryAfterMs: FULL_RETRY_MS };
    }
    const nowMs = this.#clock.monotonicMs();
    const isOther = held !== undefined && held.node.instance !== node.instance;
    if (isOther) {
      const leftMs = (held.replacedMs ?? -Infinity) + RELAY_REPLACE_MS - nowMs;
      if (leftMs > 0) return { code: "occupied", retryAfterMs: Math.ceil(leftMs) };
    }
    const replacedMs = isOther ? nowMs : held?.replacedMs ?? null;
    this.#places.set(node.id, { node, replacedMs });
    if (held !== undefined) this.#end(held.node, isOther);
    return null;
  }

  #end({ link }: LinkedNode, isOther: boolean): void {
    if (isOther) sayBye({ link }, { code: "replaced" });
    else link.close(RELAY_CLOSE.gone);
  }

  /** Its link has ended. */
  leave(node: LinkedNode): void {
    if (this.#places.get(node.id)?.node === node) this.#places.delete(node.id);
  }

  /** Ends all links. @param retryAfterMs When each is to come back. */
  sayByeToAll(retryAfterMs: () => number): void {
    for (const { node } of [...this.#places.values()]) {
      sayBye(node, { code: "restarting", retryAfterMs: retryAfterMs() });
    }
    this.#places.clear();
  }
}
