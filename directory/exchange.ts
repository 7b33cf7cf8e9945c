/**
 * Passing records on to directories of other operators. Each is sent as its node would send it, so the other side takes
 * it by all the checks of a registration; what it has already moves nothing there, and so goes no further.
 *
 * @module
 */
import { encodeUtf8, type NodeId } from "../crypto/encoding.ts";
import { PROOF_HEADER, REGISTER_PATH } from "../protocol/directory_api.ts";
import { hasCode } from "../protocol/errors.ts";
import { CALL_TIMEOUT_MS, MAX_CALLBACK_ANSWER_BYTES } from "../protocol/limits.ts";
import { PROOF_JTI_BYTES, signProof } from "../protocol/statements.ts";
import type { CryptoCore } from "../crypto/interface.ts";
import type { Clock, HttpClient, Log, Random } from "../ports/ports.ts";
import type { PeerDirectory } from "./config.ts";
import type { Counters } from "./counters.ts";
import type { OwnRecord } from "./own_record.ts";

/** Records that wait for one directory; of more the oldest is left out, until its node announces itself again. */
const MAX_WAITING = 10_000;
const AT_A_TIME = 4;
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 60_000;

interface ExchangeParts {
  readonly clock: Clock;
  readonly crypto: CryptoCore;
  readonly http: Pick<HttpClient, "request">;
  readonly log: Log;
  readonly random: Random;
  readonly metrics: Pick<Counters, "count">;
  readonly own: Pick<OwnRecord, "id" | "keys">;
}

/** What is passed on of a registration. */
interface PassedRecord {
  readonly id: NodeId;
  readonly record: string;
  readonly succession?: string | undefined;
}

/** What became of one call; `later`: it may be taken another time. */
type Outcome = { readonly result: "taken" | "refused" } | {
  readonly result: "later";
  readonly afterMs: number;
};

/** What waits for one directory. */
class Outbox {
  readonly #parts: ExchangeParts;
  readonly #peer: PeerDirectory;
  readonly #stop: AbortSignal;
  readonly #waiting = new Map<NodeId, Uint8Array<ArrayBuffer>>();
  readonly #underWay = new Set<Promise<void>>();
  #pauseMs = FIRST_PAUSE_MS;
  #cancelPause: (() => void) | null = null;

  constructor(parts: ExchangeParts, peer: PeerDirectory, stop: AbortSignal) {
    this.#parts = parts;
    this.#peer = peer;
    this.#stop = stop;
  }

  /** A newer record of an id takes the place of the one that waits. */
  add(id: NodeId, body: Uint8Array<ArrayBuffer>): void {
    this.#waiting.delete(id);
    if (this.#waiting.size >= MAX_WAITING) {
      const [oldest] = this.#waiting.keys();
      this.#waiting.delete(oldest!);
      this.#count("left_out");
    }
    this.#waiting.set(id, body);
    this.#sendSome();
  }

  async stopped(): Promise<void> {
    this.#cancelPause?.();
    await Promise.all(this.#underWay);
  }

  #sendSome(): void {
    while (this.#cancelPause === null && this.#underWay.size < AT_A_TIME && !this.#stop.aborted) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.#waiting.delete(next[0]);
      const sending: Promise<void> = this.#send(...next).finally(() => {
        this.#underWay.delete(sending);
        this.#sendSome();
      });
      this.#underWay.add(sending);
    }
  }

  async #send(id: NodeId, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const outcome = await this.#call(body);
    this.#count(outcome.result);
    if (outcome.result !== "later") {
      this.#pauseMs = FIRST_PAUSE_MS;
      return;
    }
    if (!this.#waiting.has(id)) this.#waiting.set(id, body);
    this.#pause(outcome.afterMs);
  }

  #pause(afterMs: number): void {
    if (this.#cancelPause !== null || this.#stop.aborted) return;
    const { clock, log } = this.#parts;
    if (this.#pauseMs === FIRST_PAUSE_MS) log.log("warn", "peer_away", { url: this.#peer.url });
    const spanMs = Math.min(Math.max(afterMs, this.#pauseMs), LAST_PAUSE_MS);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LAST_PAUSE_MS);
    this.#cancelPause = clock.setTimer(spanMs, () => {
      this.#cancelPause = null;
      this.#sendSome();
    });
  }

  async #call(body: Uint8Array<ArrayBuffer>): Promise<Outcome> {
    const { clock, crypto, http, own, random } = this.#parts;
    const url = this.#peer.url + REGISTER_PATH;
    try {
      const answer = await http.request({
        method: "POST",
        url,
        headers: {
          "content-type": "application/json",
          [PROOF_HEADER]: await signProof(crypto, {
            own: { id: own.id, key: own.keys.identity },
            url,
            nowMs: clock.nowMs(),
            jti: random.bytes(PROOF_JTI_BYTES),
            body,
          }),
        },
        body,
        // The other side may have to call the node first.
        timeoutMs: 2 * CALL_TIMEOUT_MS,
        maxAnswerBytes: MAX_CALLBACK_ANSWER_BYTES,
        signal: this.#stop,
      });
      if (answer.status === 201) return { result: "taken" };
      const mayBeTaken = [429, 500, 503].includes(answer.status);
      if (!mayBeTaken) return { result: "refused" };
      const afterS = Number(answer.headers.get("retry-after") ?? 0);
      return { result: "later", afterMs: Number.isFinite(afterS) ? afterS * 1000 : 0 };
    } catch (error) {
      if (hasCode(error, "unreachable")) return { result: "later", afterMs: 0 };
      if (this.#stop.aborted) return { result: "refused" };
      throw error;
    }
  }

  #count(result: string): void {
    this.#parts.metrics.count("openred_passed_on_total", { result });
  }
}

/** Passes on what is stored here. */
export class Exchange {
  readonly #outboxes: readonly Outbox[];
  readonly #stop = new AbortController();

  constructor(parts: ExchangeParts, peers: readonly PeerDirectory[]) {
    this.#outboxes = peers.filter(({ id }) => id !== parts.own.id)
      .map((peer) => new Outbox(parts, peer, this.#stop.signal));
  }

  /** Tells the other directories of a record that has just been stored. Nobody waits for it. */
  passOn({ id, record, succession }: PassedRecord): void {
    if (this.#outboxes.length === 0) return;
    const body = encodeUtf8(JSON.stringify({ record, succession }));
    for (const outbox of this.#outboxes) outbox.add(id, body);
  }

  /** Ends what is under way. What waits is passed on when its nodes announce themselves again. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#outboxes.map((outbox) => outbox.stopped()));
  }
}
