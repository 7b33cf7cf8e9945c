/**
 * One link of this node to its relay: the words that open it, then its streams.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore, KeyRef } from "../../crypto/interface.ts";
import type { Channel, Clock } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { RELAY_PROOF_MS } from "../../protocol/limits.ts";
import { verifyRecord } from "../../protocol/record.ts";
import {
  RELAY_BYES,
  RELAY_CLOSE,
  type RelayAddress,
  type RelayBye,
  relayByeSchema,
  relayedUrl,
  relayHelloSchema,
  relayReadySchema,
} from "../../protocol/relay.ts";
import type { RelayWord } from "../../protocol/relay_frames.ts";
import { RelayLink } from "../../protocol/relay_link.ts";
import { parseGrowing, parseJson } from "../../protocol/schemas.ts";
import type { NodeEvents } from "../events/events.ts";
import type { NodeStore } from "../store/store.ts";
import type { Background } from "../timing/background.ts";
import type { RelayedCalls } from "./relayed_calls.ts";

/** However long a relay says that a node should stay away. */
const MAX_RETURN_MS = 10 * 60_000;

export interface NodeLinkParts {
  readonly clock: Clock;
  readonly crypto: CryptoCore;
  readonly store: NodeStore;
  readonly events: NodeEvents;
  readonly background: Background;
  readonly own: { readonly id: NodeId; readonly key: KeyRef };
  readonly calls: RelayedCalls;
}

/** How a link ended. */
export interface LinkEnd {
  readonly code: RelayBye | "unreachable" | "other_relay";
  /** Why there was no link at all, for people. */
  readonly why?: string;
  readonly retryAfterMs: number;
  readonly wasLinked: boolean;
}

export interface LinkOptions {
  readonly address: RelayAddress;
  readonly instance: string;
  readonly channel: Channel;
  /** @param passesLinks Whether browsers can open links to files through it. */
  readonly linked: (relayId: NodeId, passesLinks: boolean) => void;
  readonly ended: (end: LinkEnd) => void;
}

/** One link: its words, then its streams. */
export class NodeLink {
  readonly #parts: NodeLinkParts;
  readonly #options: LinkOptions;
  readonly #link: RelayLink;
  #cancelTimer = () => {};
  #isGreeted = false;
  #relayId: NodeId | null = null;
  #isLinked = false;
  #why: Pick<LinkEnd, "code" | "retryAfterMs"> = { code: "unreachable", retryAfterMs: 0 };

  constructor(parts: NodeLinkParts, options: LinkOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#link = new RelayLink(options.channel, {
      opened: (stream, head) => {
        if (this.#isLinked) parts.calls.take(stream, head, this.#relayId!);
        else this.#link.close(RELAY_CLOSE.fault);
      },
      word: (kind, body) => this.#word(kind, body),
      failed: () => {},
    });
  }

  start(): void {
    const late = () => this.#link.close(RELAY_CLOSE.gone);
    this.#cancelTimer = this.#parts.clock.setTimer(2 * RELAY_PROOF_MS, late);
    this.#options.channel.listen({
      message: (data) => this.#link.message(data),
      close: () => this.#ended(),
    });
  }

  close(): void {
    this.#link.close(RELAY_CLOSE.gone);
  }

  #word(kind: RelayWord, body: Uint8Array): void {
    const isDue = kind === "bye" || (kind === "hello" && !this.#isGreeted) ||
      (kind === "ready" && this.#relayId !== null && !this.#isLinked);
    if (!isDue) throw new OpenRedError("bad_request", "The relay said a word out of its turn");
    if (kind === "bye") this.#takeBye(body);
    else if (kind === "ready") this.#takeReady(body);
    else this.#parts.background.run("relay_proof", this.#answerHello(body));
  }

  async #answerHello(body: Uint8Array): Promise<void> {
    const { crypto, own, clock } = this.#parts;
    this.#isGreeted = true;
    try {
      const { nonce, relay } = parseGrowing(relayHelloSchema, parseJson(body));
      const id = await this.#judge(relay);
      this.#relayId = id;
      const payload = JSON.stringify({
        v: 3,
        iss: own.id,
        aud: id,
        nonce: encodeBase64Url(nonce),
        url: this.#options.address.url,
        instance: this.#options.instance,
        iat: Math.floor(clock.nowMs() / 1000),
      });
      const proof = await crypto.signJws({ key: own.key, typ: "openred-relay+jwt", payload });
      this.#link.say("proof", encodeUtf8(proof));
    } catch (error) {
      this.#link.close(RELAY_CLOSE.refused);
      if (!(error instanceof OpenRedError)) throw error;
    }
  }

  /**
   * Judges what a relay says of itself.
   * @throws {OpenRedError} Where its record is none, or of another relay than before.
   */
  async #judge(text: string): Promise<NodeId> {
    const { url, id } = this.#options.address;
    const { crypto, store } = this.#parts;
    const record = await verifyRecord(crypto, text);
    const name = `relay ${url}`;
    const pinned = id ?? store.self(name);
    if (record.payload.api_url !== url || (pinned !== null && pinned !== record.id)) {
      this.#why = { code: "other_relay", retryAfterMs: 0 };
      throw new OpenRedError("forbidden", "The relay is another one");
    }
    if (store.self(name) !== record.id) await store.setSelf(name, record.id);
    return record.id;
  }

  #takeReady(body: Uint8Array): void {
    const { url, links } = parseGrowing(relayReadySchema, parseJson(body));
    if (url !== relayedUrl(this.#options.address.url, this.#parts.own.id)) {
      throw new OpenRedError("bad_request", "The relay names another URL");
    }
    this.#isLinked = true;
    this.#cancelTimer();
    this.#options.linked(this.#relayId!, links);
  }

  #takeBye(body: Uint8Array): void {
    const { code, retry_after_ms } = parseGrowing(relayByeSchema, parseJson(body));
    const known = RELAY_BYES.find((one) => one === code);
    if (known === undefined) return;
    this.#why = { code: known, retryAfterMs: Math.min(retry_after_ms ?? 0, MAX_RETURN_MS) };
  }

  #ended(): void {
    this.#cancelTimer();
    this.#link.ended();
    this.#options.ended({ ...this.#why, wasLinked: this.#isLinked });
  }
}
