/**
 * Two nodes whose sessions a test makes as it likes: real keys, no handshake on a wire.
 *
 * @module
 */
import type { EstablishedSession, StoredHalf } from "../../../crypto/interface.ts";
import type { Carrier } from "../../../peer/sessions/carrier.ts";
import { Session, SessionTable } from "../../../peer/sessions/session.ts";
import { ValidationCache } from "../../../peer/tokens/validation_cache.ts";
import { newEntry, type PairEntry } from "../../../peer/tokens/pair_entry.ts";
import { TokenVault } from "../../../peer/tokens/vault.ts";
import { decodePairStatement } from "../../../protocol/statements.ts";
import { TestParts } from "../parts.ts";
import { issuePair, TestNodeKeys } from "../test_node_keys.ts";

/** What was handed to the carrier. */
export interface Sent {
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly post: boolean;
  readonly atMs: number;
}

/** One session, seen from both ends. */
export interface BothEnds {
  readonly own: Session;
  readonly peer: Session;
}

type Role = "initiator" | "responder";

export class SessionWorld implements Disposable {
  readonly parts: TestParts;
  readonly directory: TestNodeKeys;
  readonly own: TestNodeKeys;
  readonly peer: TestNodeKeys;
  readonly table = new SessionTable();
  readonly validations = new ValidationCache();
  readonly vault: TokenVault;
  readonly sent: Sent[] = [];
  /** Peers whose calls were taken back. */
  readonly cancelled: string[] = [];
  readonly carrier: Carrier;

  private constructor(parts: TestParts, people: readonly TestNodeKeys[]) {
    this.parts = parts;
    [this.directory, this.own, this.peer] = people as [TestNodeKeys, TestNodeKeys, TestNodeKeys];
    this.vault = new TokenVault(parts, this.own.keys.vault);
    this.carrier = {
      send: (_peer, frame, options = { post: false }) => {
        this.sent.push({ frame, post: options.post, atMs: parts.clock.monotonicMs() });
      },
      hasChannel: () => false,
      drop: () => {},
    };
  }

  /** @param options `larger`: the node under test has the larger of both ids. */
  static async create(options = { larger: false }): Promise<SessionWorld> {
    const parts = await TestParts.create();
    const directory = await TestNodeKeys.create(parts.crypto);
    const two = await TestNodeKeys.createTwo(parts.crypto);
    if (options.larger) two.reverse();
    return new SessionWorld(parts, [directory, ...two]);
  }

  /** A session of both nodes; the one under test has it in its table. */
  async session(options: { role?: Role; confirmed?: boolean } = {}): Promise<BothEnds> {
    const { role = "initiator", confirmed = true } = options;
    const [a, b] = role === "initiator" ? [this.own, this.peer] : [this.peer, this.own];
    const ends = await this.#establish(a, b);
    const make = (established: EstablishedSession, half: StoredHalf, end: Role) =>
      new Session(this.parts, {
        established,
        pair: newEntry(half, (end === role ? this.peer : this.own).id),
        role: end,
        suite: "ik-x25519",
        lifeMs: 6 * 3_600_000,
        recordSeq: 1,
        sequence: end === role ? this.table.nextSequence() : 0,
      });
    const atA = make(ends.a, ends.halfOfA, "initiator");
    const atB = make(ends.b, ends.halfOfB, "responder");
    const made = role === "initiator" ? { own: atA, peer: atB } : { own: atB, peer: atA };
    if (confirmed) this.confirm(made.own);
    made.peer.confirmed = true;
    this.table.add(made.own);
    return made;
  }

  confirm(session: Session): void {
    session.confirmed = true;
    session.confirmedMs = this.parts.clock.monotonicMs();
  }

  /** The standby pairs of one set, in the vault. */
  async standby(sessionId: string, changes: Partial<PairEntry> = {}): Promise<PairEntry[]> {
    const { halfOfA } = await this.#establish(this.own, this.peer);
    const entry = {
      ...newEntry(halfOfA, this.peer.id),
      endsAt: this.parts.clock.nowMs() + 30 * 86_400_000,
      standby: { sessionId, role: "initiator", confirmedAt: this.parts.clock.nowMs() } as const,
      ...changes,
    };
    await this.vault.commit({ put: [entry] });
    return [entry];
  }

  /** The headers of what was sent, as the peer reads them. */
  async read(ends: BothEnds): Promise<Record<string, unknown>[]> {
    const headers: Record<string, unknown>[] = [];
    for (const { frame } of this.sent) {
      const opened = await ends.peer.open(frame);
      if ("header" in opened) headers.push(JSON.parse(opened.header));
    }
    return headers;
  }

  async #establish(a: TestNodeKeys, b: TestNodeKeys) {
    const { crypto, clock } = this.parts;
    const issued = await issuePair(this.directory, { a, b });
    const halfOfA = await this.#open(a, issued.a);
    const halfOfB = await this.#open(b, issued.b);
    const nowMs = clock.monotonicMs();
    const started = await crypto.startHandshake({
      noiseKey: a.noiseKey,
      peerNoiseKey: b.noisePublic,
      suite: "ik-x25519",
      half: halfOfA.half,
      record: await a.recordText(),
    });
    const read = await crypto.readHandshake({
      noiseKeys: [b.noiseKey],
      suite: "ik-x25519",
      half: halfOfB.half,
      noise: started.noise,
    });
    const accepted = await crypto.acceptHandshake({
      handshake: read.handshake,
      record: await b.recordText(),
      lifeMs: 6 * 3_600_000,
      next: { method: "alpha", issuedAt: clock.nowMs() },
      nowMs,
    });
    await crypto.readAnswer({ handshake: started.handshake, noise: accepted.noise });
    const completed = await crypto.completeHandshake({ handshake: started.handshake, nowMs });
    return { a: completed, b: accepted as EstablishedSession, halfOfA, halfOfB };
  }

  #open(node: TestNodeKeys, text: string): Promise<StoredHalf> {
    const { pair_id, noise } = decodePairStatement(text);
    return this.parts.crypto.openEnvelope({
      noiseKeys: [node.noiseKey],
      directoryNoiseKey: this.directory.noisePublic,
      directoryId: this.directory.id,
      nodeId: node.id,
      pairId: pair_id,
      noise,
    });
  }

  [Symbol.dispose](): void {
    this.parts[Symbol.dispose]();
  }
}
