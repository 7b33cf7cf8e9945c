/**
 * How a node comes to its link: a nonce from here, a signature from there.
 *
 * @module
 */
import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import type { Channel } from "../ports/ports.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { MAX_RELAY_FRAME_BYTES, RELAY_PROOF_MS } from "../protocol/limits.ts";
import { openRelayOpening, RELAY_CLOSE, relayedUrl } from "../protocol/relay.ts";
import type { RelayWord } from "../protocol/relay_frames.ts";
import { RelayLink } from "../protocol/relay_link.ts";
import { type LinkedNode, type LinkedNodes, sayBye } from "./linked_nodes.ts";
import type { RelayParts } from "./parts.ts";
import { Places } from "./places.ts";

const NONCE_BYTES = 16;

/** Lets nodes in. */
export class Gate {
  readonly #parts: RelayParts;
  readonly #nodes: LinkedNodes;
  readonly #perAddress: Places;

  constructor(parts: RelayParts, nodes: LinkedNodes) {
    this.#parts = parts;
    this.#nodes = nodes;
    this.#perAddress = new Places({
      max: parts.config.limits.nodesPerAddress,
      what: "links from this address",
    });
  }

  /**
   * Takes a WebSocket that somebody opened.
   * @throws {OpenRedError} `overloaded`, or what the upgrade is refused with.
   */
  accept(request: Request, source: string): Response {
    const leave = this.#perAddress.take(source);
    try {
      const { response, channel } = this.#parts.upgrader.upgrade(request, {
        maxMessageBytes: MAX_RELAY_FRAME_BYTES,
      });
      new Visitor(this.#parts, { nodes: this.#nodes, channel, leave }).greet();
      return response;
    } catch (error) {
      leave();
      throw error;
    }
  }
}

interface Visit {
  readonly nodes: LinkedNodes;
  readonly channel: Channel;
  readonly leave: () => void;
}

/** One link, from its first word on. */
class Visitor {
  readonly #parts: RelayParts;
  readonly #visit: Visit;
  readonly #link: RelayLink;
  readonly #nonce: string;
  #cancelTimer = () => {};
  #isProving = false;
  #node: LinkedNode | null = null;

  constructor(parts: RelayParts, visit: Visit) {
    this.#parts = parts;
    this.#visit = visit;
    this.#nonce = encodeBase64Url(parts.random.bytes(NONCE_BYTES));
    this.#link = new RelayLink(visit.channel, {
      opened: null,
      word: (kind, body) => this.#word(kind, body),
      failed: () => parts.log.log("debug", "relay_link_failed", { id: this.#node?.id ?? null }),
    });
  }

  greet(): void {
    const { clock, own } = this.#parts;
    this.#cancelTimer = clock.setTimer(
      RELAY_PROOF_MS,
      () => sayBye({ link: this.#link }, { code: "proof_invalid" }),
    );
    const hello = { v: 3, nonce: this.#nonce, relay: own.text };
    this.#link.say("hello", encodeUtf8(JSON.stringify(hello)));
    this.#visit.channel.listen({
      message: (data) => this.#link.message(data),
      close: () => this.#ended(),
    });
  }

  #word(kind: RelayWord, body: Uint8Array): void {
    if (kind !== "proof" || this.#isProving) return this.#link.close(RELAY_CLOSE.fault);
    this.#isProving = true;
    void this.#prove(body).catch((error: unknown) => {
      const isRefused = error instanceof OpenRedError;
      if (!isRefused) this.#parts.log.log("error", "relay_proof_failed", { text: String(error) });
      this.#parts.counts.link("proof_invalid");
      sayBye({ link: this.#link }, { code: "proof_invalid" });
    });
  }

  /** @throws {OpenRedError} For a proof that is none, or none for this link. */
  async #prove(body: Uint8Array): Promise<void> {
    const { crypto, own, config, log, counts, linkPage } = this.#parts;
    const opening = await openRelayOpening(crypto, readText(body));
    const isFitting = opening.aud === own.id && opening.nonce === this.#nonce &&
      opening.url === config.url;
    if (!isFitting) throw new OpenRedError("bad_request", "The proof is for another link");
    if (this.#link.isOver) return;
    this.#cancelTimer();
    const instance = encodeBase64Url(opening.instance);
    const node = { id: opening.iss, instance, link: this.#link };
    const refused = this.#visit.nodes.take(node);
    counts.link(refused?.code ?? "linked");
    if (refused !== null) return sayBye(node, refused);
    this.#node = node;
    log.log("debug", "relay_node_linked", { id: node.id });
    const ready = {
      url: relayedUrl(config.url, node.id),
      ...(linkPage === null ? {} : { links: true }),
    };
    this.#link.say("ready", encodeUtf8(JSON.stringify(ready)));
  }

  #ended(): void {
    this.#cancelTimer();
    this.#visit.leave();
    this.#link.ended();
    if (this.#node !== null) this.#visit.nodes.leave(this.#node);
  }
}

function readText(body: Uint8Array): string {
  try {
    return decodeUtf8(body);
  } catch (cause) {
    throw new OpenRedError("bad_request", "The proof is not text", { cause });
  }
}
