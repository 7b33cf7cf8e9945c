/**
 * Reads everything on the wire and judges what can be judged there: nonces, pairs, answers.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { decodeBase64Url } from "../../crypto/encoding.ts";
import { frameSessionId, HANDSHAKE_PATH, MESSAGE_PATH } from "../../protocol/peer_api.ts";
import type { EventLoop } from "./event_loop.ts";
import { InvariantBroken } from "./invariant.ts";
import type { FrameHandshake, WireAnswer, WireCall, WireMessage, WireTap } from "./wire.ts";

/** How long the same message 1 may get the same answer, and some room for what is under way. */
const SAME_ANSWER_MS = 120_000;
const EXPECTED_SERVER_ERRORS: ReadonlySet<string> = new Set([
  "callback_failed",
  "target_unreachable",
  "unreachable",
  "overloaded",
]);

interface PairHistory {
  /** Answers by the hash of their message 1. */
  readonly answers: Map<string, { readonly noise: string; readonly firstMs: number }>;
  readonly sessions: Set<string>;
  confirmed: string | null;
}

/** The path as the node sees it, perhaps behind a relay. */
function pathAtNode({ path }: WireCall): string {
  return path.replace(/^\/r\/[^/]+/, "");
}

function hash(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("base64url");
}

function readJson(body: Uint8Array): Record<string, unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return {};
  }
}

export class WireMonitor implements WireTap {
  readonly #loop: EventLoop;
  readonly #frames = new Map<string, string>();
  readonly #pairs = new Map<string, PairHistory>();
  readonly #pairOfSession = new Map<string, string>();
  /** Hosts whose vault was set back: they may answer a message 1 they have forgotten. */
  readonly forgetful = new Set<string>();
  /** Hosts whose requests are copies of others', or forged. */
  readonly strangers = new Set<string>();
  /** Hosts that pass frames of others on, whose channels are not looked into. */
  readonly relays = new Set<string>();
  framesSeen = 0;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  request(call: WireCall): void {
    if (this.strangers.has(call.from.name)) return;
    if (pathAtNode(call) === MESSAGE_PATH) {
      const frame = decodeBase64Url(String(readJson(call.body).data ?? ""));
      if (frame !== null) this.#frame(call.from.name, frame);
    }
  }

  message(message: WireMessage): void {
    if (this.relays.has(message.from) || this.relays.has(message.to)) return;
    this.#frame(message.from, message.data);
  }

  answer(call: WireCall, answer: WireAnswer): void {
    if (answer.status >= 500) {
      const { code } = readJson(answer.body);
      if (!EXPECTED_SERVER_ERRORS.has(String(code))) {
        this.#break(`${call.to} answered ${answer.status} ${code} to ${call.method} ${call.path}`);
      }
    }
    if (answer.status !== 200) return;
    const path = pathAtNode(call);
    if (path === HANDSHAKE_PATH) this.#handshakeAnswered(call, answer);
    else if (path === MESSAGE_PATH) {
      const session = decodeBase64Url(String(readJson(call.body).session_id ?? ""));
      if (session !== null) this.sawConfirmed(hex(session), call.from.name);
    }
  }

  /** Notes that a session was confirmed for its responder; `session` in hex. */
  sawConfirmed(session: string, by: string): void {
    const pairId = this.#pairOfSession.get(session);
    const pair = pairId === undefined ? undefined : this.#pairs.get(pairId);
    if (pair === undefined || pair.confirmed === session) return;
    if (pair.confirmed !== null) {
      this.#break(`Pair ${pairId} has two confirmed sessions, the second seen with ${by}`);
    }
    pair.confirmed = session;
  }

  /** Whether a message 2 on the wire made this session; `session` in hex. */
  knowsSession(session: string): boolean {
    return this.#pairOfSession.has(session);
  }

  #frame(from: string, frame: Uint8Array): void {
    const session = frameSessionId(frame);
    if (session === null) return;
    this.framesSeen++;
    const counter = hex(frame.subarray(21, 29));
    const key = `${hex(session)} ${from} ${counter}`;
    const bytes = hash(frame);
    const before = this.#frames.get(key);
    if (before === undefined) this.#frames.set(key, bytes);
    else if (before !== bytes) {
      this.#break(`${from} used counter ${counter} twice in ${hex(session)}`);
    }
  }

  #handshakeAnswered(call: WireCall, answer: WireAnswer): void {
    const { pair_id: pairId, suite, noise } = readJson(call.body);
    const { session_id: session, noise: message2 } = readJson(answer.body);
    const asked = { pairId: String(pairId), suite: String(suite), noise: String(noise) };
    const answered = { answer: String(message2), session: String(session) };
    this.handshake({ ...asked, ...answered, to: call.to });
  }

  handshake({ to, pairId, suite, noise, answer, session: sessionId }: FrameHandshake): void {
    const session = hex(decodeBase64Url(sessionId) ?? new Uint8Array());
    const key = `${pairId} ${to}`;
    const pair: PairHistory = this.#pairs.get(key) ??
      { answers: new Map(), sessions: new Set(), confirmed: null };
    this.#pairs.set(key, pair);
    const message = hash(`${suite} ${noise}`);
    this.#judgeAnswer(pair, { key, to, message, noise: answer });
    pair.sessions.add(session);
    this.#pairOfSession.set(session, key);
  }

  #judgeAnswer(
    pair: PairHistory,
    shown: { key: string; to: string; message: string; noise: string },
  ): void {
    const { key, to, message, noise } = shown;
    const before = pair.answers.get(message);
    if (this.forgetful.has(to)) return;
    if (before === undefined) {
      if (pair.confirmed !== null) this.#break(`Pair ${key} worked again after its confirmation`);
      if (pair.answers.size >= 8) this.#break(`Pair ${key} took a ninth message 1`);
      pair.answers.set(message, { noise, firstMs: this.#loop.nowMs });
    } else if (before.noise !== noise) {
      this.#break(`Pair ${key} gave one message 1 two answers`);
    } else if (this.#loop.nowMs - before.firstMs > SAME_ANSWER_MS + 1_000) {
      this.#break(`Pair ${key} answered a message 1 again after more than two minutes`);
    }
  }

  #break(message: string): void {
    this.#loop.fail(new InvariantBroken(message));
  }
}

function hex(bytes: Uint8Array): string {
  return bytes.reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "");
}
