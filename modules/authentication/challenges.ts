/**
 * Peers that ask for a fresh factor of this node's owner.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import {
  type ChallengeHeader,
  challengeHeaderSchema,
  type ChallengeView,
  FACTORS_TYPE,
  isEnough,
  MAX_ANSWER_LIFE_SEC,
} from "../../protocol/auth_challenge.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { FactorQuota } from "../../protocol/factor_quota.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type { CallAnswer, ModuleContext, ModuleTables, NodeId, PeerFrame } from "../api.ts";
import type { Shown } from "./factor_check.ts";

/** How long the owner has: an answer after that would find nobody who waits. */
const WAIT_MS = 110_000;
/** Step n leads to version n + 1. */
export const AUTHENTICATION_TABLES = [
  "CREATE TABLE authentication_muted (peer TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;",
];

/** One that waits for the owner. */
export interface Challenge {
  readonly id: number;
  readonly peer: NodeId;
  readonly asked: ChallengeHeader;
  readonly expiresAtMs: number;
  readonly answer: (shown: Shown | null) => void;
}

interface Parts
  extends Pick<ModuleContext, "audit" | "binding" | "clock" | "events" | "peers" | "signatures"> {
  readonly tables: ModuleTables;
}

/** All that wait, and who asked how often. */
export class Challenges {
  readonly #parts: Parts;
  readonly #waiting = new Map<number, Challenge>();
  readonly #quota = new FactorQuota();
  readonly #asking = new Set<NodeId>();
  #isOver = false;
  #last = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Answers a peer once the owner has.
   * @throws {OpenRedError} `rate_limited` for a second one at a time, or a sixth within an hour; `forbidden` where the
   *   owner says no, does not answer, or wants to hear nothing of this peer: all three look alike.
   */
  async take({ peer, header }: PeerFrame): Promise<CallAnswer> {
    const asked = parseInput(challengeHeaderSchema, header);
    this.#count(peer);
    this.#asking.add(peer);
    try {
      return await this.#answer(peer, asked);
    } finally {
      this.#asking.delete(peer);
    }
  }

  async #answer(peer: NodeId, asked: ChallengeHeader): Promise<CallAnswer> {
    if (this.isMuted(peer)) throw refused();
    const binding = await this.#parts.binding(peer);
    if (binding === null) throw refused();
    const shown = await this.#askOwner(peer, asked);
    const { audit } = this.#parts;
    audit?.note("factor_shown", { peer, success: shown !== null, level: asked.level }, "owner");
    if (shown === null) throw refused();
    return { header: { proof: await this.#sign({ peer, asked, binding }, shown) } };
  }

  get(id: number): Challenge {
    const challenge = this.#waiting.get(id);
    if (challenge === undefined) throw over();
    return challenge;
  }

  /**
   * @throws {OpenRedError} `forbidden` for a factor that is not what was asked for: it still waits then; `not_found`
   *   where it was over before the factor was checked.
   */
  approve({ id, asked, answer }: Challenge, shown: Shown): void {
    if (!isEnough(asked.level, shown.kind)) {
      throw new OpenRedError("forbidden", `The peer asks for more: ${asked.level}`);
    }
    if (!this.#waiting.delete(id)) throw over();
    answer(shown);
  }

  deny({ id, answer }: Challenge): void {
    if (this.#waiting.delete(id)) answer(null);
  }

  /** Whatever waits is denied. @param peer Of one peer; of all unless it says so. */
  end(peer?: NodeId): void {
    for (const challenge of [...this.#waiting.values()]) {
      if (peer === undefined || challenge.peer === peer) this.deny(challenge);
    }
  }

  /** None is waited for any more. */
  stop(): void {
    this.#isOver = true;
    this.end();
  }

  async mute(peer: NodeId, isMuted: boolean): Promise<void> {
    const { tables } = this.#parts;
    const sql = isMuted
      ? "INSERT OR IGNORE INTO authentication_muted (peer) VALUES (?)"
      : "DELETE FROM authentication_muted WHERE peer = ?";
    await tables.write(() => void tables.statement(sql).run(peer));
    if (isMuted) this.end(peer);
  }

  isMuted(peer: NodeId): boolean {
    const sql = "SELECT peer FROM authentication_muted WHERE peer = ?";
    return this.#parts.tables.statement(sql).get(peer) !== undefined;
  }

  /** Inside a transaction: who follows a peer is as muted as that was, and has asked as often. */
  writeMove(old: NodeId, next: NodeId): void {
    const { tables } = this.#parts;
    tables.statement("UPDATE OR IGNORE authentication_muted SET peer = ? WHERE peer = ?")
      .run(next, old);
    this.#writeForget(old);
    this.#quota.move(old, next);
    this.end(old);
  }

  /** Inside a transaction: a block leaves a peer muted, for when it is lifted. */
  writeDrop(peer: NodeId): void {
    if (!this.#parts.tables.peers.isBlocked(peer)) this.#writeForget(peer);
    this.end(peer);
  }

  #writeForget(peer: NodeId): void {
    this.#parts.tables.statement("DELETE FROM authentication_muted WHERE peer = ?").run(peer);
  }

  async views(): Promise<ChallengeView[]> {
    return await Promise.all([...this.#waiting.values()].map((challenge) => this.#view(challenge)));
  }

  async #view({ id, peer, asked, expiresAtMs }: Challenge): Promise<ChallengeView> {
    const { petname } = await this.#parts.peers.get(peer);
    const { purpose, level, module } = asked;
    return { id, peer, petname, purpose, level, module, expires_at: expiresAtMs };
  }

  /** @throws {OpenRedError} `rate_limited`. */
  #count(peer: NodeId): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#asking.has(peer) || !this.#quota.take(peer, nowMs)) {
      throw new OpenRedError("rate_limited", "One challenge at a time, and five an hour");
    }
  }

  async #askOwner(peer: NodeId, asked: ChallengeHeader): Promise<Shown | null> {
    const { clock, events, peers } = this.#parts;
    const { petname } = await peers.get(peer);
    if (this.#isOver) return null;
    const { promise, resolve: answer } = Promise.withResolvers<Shown | null>();
    const expiresAtMs = clock.nowMs() + WAIT_MS;
    const challenge = { id: this.#last += 1, peer, asked, expiresAtMs, answer };
    this.#waiting.set(challenge.id, challenge);
    const cancel = clock.setTimer(WAIT_MS, () => this.deny(challenge));
    const { purpose, level } = asked;
    events.emit("challenge", { id: challenge.id, peer, petname, purpose, level });
    const shown = await promise;
    cancel();
    events.emit("challenge_over", { id: challenge.id, peer });
    return shown;
  }

  /** It says no more than that this node says so. */
  async #sign(
    { peer, asked, binding }: { peer: NodeId; asked: ChallengeHeader; binding: Uint8Array },
    { kind }: Shown,
  ): Promise<string> {
    const { signatures, clock } = this.#parts;
    const { nonce, purpose, level, module } = asked;
    const iat = Math.floor(clock.nowMs() / 1000);
    return await signatures!.sign(FACTORS_TYPE, {
      aud: peer,
      nonce,
      purpose,
      module,
      level,
      factors: [kind],
      iat,
      exp: iat + MAX_ANSWER_LIFE_SEC,
      sb: encodeBase64Url(await signatures!.sha256(binding)),
    });
  }
}

function over(): OpenRedError {
  return new OpenRedError("not_found", "Nobody asks under this number, or not any more");
}

function refused(): OpenRedError {
  return new OpenRedError("forbidden", "The owner of this node has not agreed");
}
