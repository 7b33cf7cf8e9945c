/**
 * A receiver of envelopes with its vault and its book.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { assertRejects } from "@std/assert";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import { EnvelopeReceiver } from "../../../peer/tokens/receive.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { VerifiedRecord } from "../../../protocol/record.ts";
import { type IssuedTexts, issuePair } from "../test_node_keys.ts";
import { VaultWorld } from "./vault_world.ts";

export class ReceiveWorld implements Disposable {
  readonly base: VaultWorld;
  readonly book: PeerBook;
  readonly receiver: EnvelopeReceiver;
  readonly directoryRecord: VerifiedRecord;

  private constructor(base: VaultWorld, directoryRecord: VerifiedRecord) {
    this.base = base;
    this.directoryRecord = directoryRecord;
    this.book = new PeerBook(base.parts, base.own.id);
    this.receiver = new EnvelopeReceiver({ ...base.parts, vault: base.vault, book: this.book }, {
      id: base.own.id,
      noiseKeys: base.own.keys.noiseKeys,
    });
  }

  static async create(): Promise<ReceiveWorld> {
    const base = await VaultWorld.create();
    return new ReceiveWorld(base, await base.directoryRecord());
  }

  /** A fresh pair in which the peer calls this node. */
  issue(changes: Partial<Parameters<typeof issuePair>[1]> = {}): Promise<IssuedTexts> {
    const { directory, own, peer, parts } = this.base;
    return issuePair(directory, {
      a: peer,
      b: own,
      issuedAt: parts.clock.nowMs(),
      ...changes,
    });
  }

  receive(text: string): Promise<string> {
    return this.receiver.receive(text, this.directoryRecord);
  }

  /** The code that a text is refused with, and why. */
  async refusal(text: string, directory = this.directoryRecord): Promise<[string, string]> {
    const before = this.base.vault.all().length;
    const error = await assertRejects(() => this.receiver.receive(text, directory), OpenRedError);
    if (this.base.vault.all().length !== before) throw new Error("A refused half was stored");
    const cause = error.cause instanceof Error ? error.cause.message : "";
    return [error.code, cause];
  }

  /** The ids of the pairs that are still unused, hex. */
  get unused(): string[] {
    return this.base.vault.all().filter(({ half }) => half !== null).map(({ pairId }) => pairId);
  }

  [Symbol.dispose](): void {
    this.base[Symbol.dispose]();
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
