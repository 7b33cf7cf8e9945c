/**
 * A node's vault and a directory that makes pairs for it, for tests of `peer/tokens/`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import type { KeyRef, StoredHalf } from "../../../crypto/interface.ts";
import { newEntry, type PairEntry } from "../../../peer/tokens/pair_entry.ts";
import { TokenVault } from "../../../peer/tokens/vault.ts";
import { STANDBY_LIFE_MS } from "../../../protocol/limits.ts";
import { verifyRecord } from "../../../protocol/record.ts";
import { decodePairStatement } from "../../../protocol/statements.ts";
import { MINUTE_MS, START_MS, TestParts } from "../parts.ts";
import { issuePair, TestNodeKeys } from "../test_node_keys.ts";

export const VAULT_FILE = ".env";

export class VaultWorld implements Disposable {
  readonly parts: TestParts;
  readonly directory: TestNodeKeys;
  readonly own: TestNodeKeys;
  readonly peer: TestNodeKeys;
  readonly vault: TokenVault;

  private constructor(parts: TestParts, people: readonly TestNodeKeys[]) {
    this.parts = parts;
    [this.directory, this.own, this.peer] = people as [TestNodeKeys, TestNodeKeys, TestNodeKeys];
    this.vault = this.openVault();
  }

  static async create(): Promise<VaultWorld> {
    const parts = await TestParts.create();
    const people = [];
    for (let index = 0; index < 3; index++) people.push(await TestNodeKeys.create(parts.crypto));
    return new VaultWorld(parts, people);
  }

  openVault(): TokenVault {
    return new TokenVault(this.parts, this.own.keys.vault);
  }

  /** What a process that starts anew finds. */
  async reload(): Promise<TokenVault> {
    const vault = this.openVault();
    await vault.load();
    return vault;
  }

  /** The node's own half of a fresh pair, as the core holds it. */
  async half(role: "initiator" | "responder", issuedAt = START_MS): Promise<StoredHalf> {
    const [a, b] = role === "initiator" ? [this.own, this.peer] : [this.peer, this.own];
    const issued = await issuePair(this.directory, { a, b, issuedAt });
    const text = role === "initiator" ? issued.a : issued.b;
    const { pair_id, noise } = decodePairStatement(text);
    return await this.parts.crypto.openEnvelope({
      noiseKeys: [this.own.noiseKey],
      directoryNoiseKey: this.directory.noisePublic,
      directoryId: this.directory.id,
      nodeId: this.own.id,
      pairId: pair_id,
      noise,
    });
  }

  /** An entry of a fresh pair; not yet in the vault. */
  async entry(
    changes: Partial<PairEntry> = {},
    options: { role?: "initiator" | "responder"; issuedAt?: number } = {},
  ): Promise<PairEntry> {
    const stored = await this.half(options.role ?? "initiator", options.issuedAt);
    return { ...newEntry(stored, this.peer.id), ...changes };
  }

  /** The entries of the standby pairs that a handshake with the peer leaves; not yet in the vault. */
  async set(changes: Partial<PairEntry> = {}): Promise<PairEntry[]> {
    const { crypto } = this.parts;
    const [a, b] = await this.#halves();
    const record = await this.own.recordText();
    const suite = "ik-x25519";
    const { handshake, noise } = await crypto.startHandshake({
      noiseKey: this.own.noiseKey,
      peerNoiseKey: this.peer.noisePublic,
      suite,
      half: a,
      record,
    });
    const noiseKeys = [this.peer.noiseKey];
    const read = await crypto.readHandshake({ noiseKeys, suite, half: b, noise });
    const accepted = await crypto.acceptHandshake({
      handshake: read.handshake,
      record,
      lifeMs: MINUTE_MS,
      next: { method: "beta", issuedAt: START_MS },
      nowMs: 0,
    });
    await crypto.readAnswer({ handshake, noise: accepted.noise });
    const { standby, sessionId } = await crypto.completeHandshake({ handshake, nowMs: 0 });
    return standby.map((stored, index) => ({
      ...newEntry(stored, this.peer.id),
      endsAt: START_MS + STANDBY_LIFE_MS,
      index,
      standby: {
        sessionId: Buffer.from(sessionId).toString("hex"),
        role: "initiator",
        confirmedAt: null,
      },
      ...changes,
    }));
  }

  /** Both halves of a fresh pair. */
  async #halves(): Promise<[KeyRef, KeyRef]> {
    const issued = await issuePair(this.directory, { a: this.own, b: this.peer });
    const open = async (node: TestNodeKeys, text: string) => {
      const { pair_id, noise } = decodePairStatement(text);
      const { half } = await this.parts.crypto.openEnvelope({
        noiseKeys: [node.noiseKey],
        directoryNoiseKey: this.directory.noisePublic,
        directoryId: this.directory.id,
        nodeId: node.id,
        pairId: pair_id,
        noise,
      });
      return half;
    };
    return [await open(this.own, issued.a), await open(this.peer, issued.b)];
  }

  async directoryRecord() {
    return await verifyRecord(this.parts.crypto, await this.directory.recordText());
  }

  /** The lines of the file that count: of each name the last one, unless it is empty; and what has no name. */
  lines(): string[] {
    const lines = this.parts.files.text(VAULT_FILE).trimEnd().split("\n").slice(1)
      .filter((line) => !line.startsWith("# change of "));
    const nameOf = (line: string) => line.split("=")[0];
    return lines.filter((line, index) =>
      !/^NODE_\w+=$/.test(line) &&
      !lines.slice(index + 1).some((later) => nameOf(later) === nameOf(line))
    );
  }

  writeLines(lines: readonly string[]): void {
    const text = ["TOKEN_MASTER_KEY=derived_from_node_secret", ...lines, ""].join("\n");
    this.parts.files.content.set(VAULT_FILE, encodeUtf8(text));
  }

  [Symbol.dispose](): void {
    this.parts[Symbol.dispose]();
  }
}
