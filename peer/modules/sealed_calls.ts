/**
 * Answering sealed calls: each runs once, however often it is repeated (docs/PROTOCOL.md, "Sealed calls").
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import type { CallHandler } from "../../modules/api.ts";
import type { Clock, Log } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { frameHeaderSchema } from "../../protocol/frames.ts";
import { CALL_WAIT_MS } from "../../protocol/limits.ts";
import type { FrameDeclaration } from "../../protocol/module_manifest.ts";
import { checkGrowth } from "../../protocol/schemas.ts";
import type { DenialLog } from "../events/denial_log.ts";
import type { NodeEvents } from "../events/events.ts";
import { faultText } from "../events/faults.ts";
import type { Permissions } from "../peers/permissions.ts";
import type { Carrier } from "../sessions/carrier.ts";
import type { CallEnd, CallFrame, CallGate } from "../sessions/module_gate.ts";
import type { SessionTable } from "../sessions/session.ts";
import type { Background } from "../timing/background.ts";
import type { RunningModules } from "./frame_gate.ts";
import { type Asked, refusalTo, type Reply, replyTo } from "./call_reply.ts";
import type { FreshFactors } from "./fresh_factors.ts";
import { type KeptCall, KeptCalls, type SealedReply } from "./kept_calls.ts";
import { runMiddleware } from "./middleware.ts";
import { refusalOf } from "./refusal.ts";
import type { RunningModule } from "./running_module.ts";

const COMMON = Object.keys(frameHeaderSchema.entries);
/** So many POSTs wait for an answer: each holds a request of the server. */
const MAX_WAITING_POSTS = 128;
const LATER: CallEnd = { kind: "later" };

export interface SealedCallsParts {
  readonly clock: Clock;
  readonly crypto: CryptoCore;
  readonly log: Log;
  readonly events: NodeEvents;
  readonly permissions: Permissions;
  readonly denials: DenialLog;
  readonly background: Background;
  readonly table: SessionTable;
  readonly carrier: Pick<Carrier, "send">;
  readonly modules: RunningModules;
  readonly freshFactors: Pick<FreshFactors, "require">;
}

/** Who answers a call. */
interface Addressed {
  readonly module: RunningModule;
  readonly declared: FrameDeclaration;
  readonly handler: CallHandler;
}

type Way = "frame" | "post";

/** Answers the sealed calls of peers. */
export class SealedCalls implements Pick<CallGate, "call"> {
  readonly #parts: SealedCallsParts;
  readonly #kept: KeptCalls;
  #waitingPosts = 0;

  constructor(parts: SealedCallsParts) {
    this.#parts = parts;
    this.#kept = new KeptCalls(parts.clock);
  }

  /** Whether a module runs that answers calls of this type. */
  serves(type: string): boolean {
    return this.#addressee(type) !== null;
  }

  /** Whoever waits for an answer here is given none any more. */
  stop(): void {
    this.#kept.stop();
  }

  /** @throws {OpenRedError} `rate_limited` for a call that was repeated too often; then nothing else is said. */
  async call(peer: NodeId, call: CallFrame, via: Way): Promise<CallEnd> {
    if (this.#parts.permissions.isBlocked(peer)) return { kind: "unknown" };
    const known = this.#kept.find(peer, call.ask);
    // Bytes that came before, of a call that is not known any more: it may have run, and must not run again.
    if (known === null && !call.fresh) return LATER;
    if (known !== null) this.#kept.repeat(known);
    const to = this.#addressee(call.type);
    if (to === null) {
      const text = "No module here answers this";
      return await this.#refuse(peer, call, { error: new OpenRedError("unsupported", text), via });
    }
    if (!this.#isPermitted(to, peer)) {
      return await this.#refuse(peer, call, { error: notPermitted(), via });
    }
    return await this.#answer(peer, call, { to, via });
  }

  #isPermitted({ module, declared }: Addressed, peer: NodeId): boolean {
    const permission = module.permissionOf(declared);
    if (this.#parts.permissions.standing(peer, permission) === "allowed") return true;
    this.#parts.events.count("frames_denied");
    this.#parts.denials.note(peer, permission);
    return false;
  }

  #addressee(type: string): Addressed | null {
    const [name = "", second = ""] = type.split(".");
    const module = this.#parts.modules.get(name);
    const declared = module?.declared(second);
    const handler = module?.registered.calls.get(second);
    if (module === undefined || declared === undefined || handler === undefined) return null;
    return { module, declared, handler };
  }

  async #answer(
    peer: NodeId,
    call: CallFrame,
    { to, via }: { to: Addressed; via: Way },
  ): Promise<CallEnd> {
    const digest = await this.#digest(call);
    const known = this.#kept.find(peer, call.ask);
    if (known !== null && known.digest !== digest) {
      const error = new OpenRedError("bad_request", "Another call came under the same ask");
      return await this.#refuse(peer, call, { error, via });
    }
    if (known !== null) return await this.#await(known, { call, via });
    let kept: KeptCall;
    try {
      checkGrowth(call.input, { versioned: false, known: [...COMMON, ...to.declared.members] });
      kept = this.#kept.add({ peer, type: call.type, ask: call.ask, digest });
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      return await this.#refuse(peer, call, { error, via });
    }
    this.#parts.background.run("sealed_call", this.#run(kept, { call, to }), peer);
    return await this.#await(kept, { call, via });
  }

  /** Tells two calls apart: their type stands in the header. */
  async #digest({ header, body }: CallFrame): Promise<string> {
    const headerBytes = encodeUtf8(header);
    const whole = new Uint8Array(4 + headerBytes.length + body.length);
    new DataView(whole.buffer).setUint32(0, headerBytes.length);
    whole.set(headerBytes, 4);
    whole.set(body, 4 + headerBytes.length);
    return encodeBase64Url(await this.#parts.crypto.sha256(whole));
  }

  async #run(kept: KeptCall, of: { call: CallFrame; to: Addressed }): Promise<void> {
    this.#kept.keep(kept, await this.#replyOf(kept.peer, of));
    if (kept.owed) await this.#give(kept, { anew: false, via: "frame" });
  }

  async #replyOf(
    peer: NodeId,
    { call, to }: { call: CallFrame; to: Addressed },
  ): Promise<Reply> {
    const { type, body } = call;
    const { modules, background, log } = this.#parts;
    const header = call.input as Readonly<Record<string, unknown>>;
    try {
      const passing = { method: "ASK", path: type, peer, bytes: body.length };
      await runMiddleware(modules.all, passing, { owner: to.module, background });
      const frame = { peer, type, id: undefined, header, body, isRequest: false };
      await this.#checkFactor(to, peer);
      return replyTo(call, await to.module.run(() => to.handler(frame)));
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal !== null) return refusalTo(call, refusal);
      log.log("error", "sealed_call_failed", { module: to.module.name, text: faultText(error) });
      return refusalTo(call, new OpenRedError("internal", "The module failed"));
    }
  }

  /** Nothing of a module runs before the caller's owner has shown what it requires. */
  async #checkFactor(to: Addressed, peer: NodeId): Promise<void> {
    const { module, declared } = to;
    if (declared.requires === undefined) return;
    const demand = { ...declared.requires, module: module.name };
    await this.#parts.freshFactors.require(peer, demand);
    // A person takes time, in which the peer may have been shut out.
    if (!this.#isPermitted(to, peer)) throw notPermitted();
  }

  /** Gives the answer of a call that is known, now or when it is there. */
  async #await(
    kept: KeptCall,
    { call, via }: { call: CallFrame; via: Way },
  ): Promise<CallEnd> {
    const wasRunning = kept.isRunning;
    if (wasRunning && via === "post") await this.#wait(kept);
    if (kept.isRunning) {
      kept.owed = true;
      return LATER;
    }
    // While it ran there was no answer that could have gone before.
    return await this.#give(kept, { anew: call.fresh && !wasRunning, via });
  }

  /** Waits for the answer, but not for longer than a POST may. */
  async #wait(kept: KeptCall): Promise<void> {
    if (this.#waitingPosts >= MAX_WAITING_POSTS) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.setTimer(CALL_WAIT_MS, resolve);
    this.#waitingPosts += 1;
    await Promise.race([kept.replied, late]);
    this.#waitingPosts -= 1;
    cancel();
  }

  /** @param options `anew`: the call was sealed anew, so the answer is. */
  async #give(kept: KeptCall, { anew, via }: { anew: boolean; via: Way }): Promise<CallEnd> {
    const { reply } = kept;
    if (reply === null) return LATER;
    if (reply === "lost") {
      const error = new OpenRedError("unreachable", "The answer is not kept any more");
      return await this.#refuse(kept.peer, kept, { error, via });
    }
    const last = anew ? null : this.#lastSealed(kept);
    const sealed = last ?? await this.#seal(kept.peer, reply);
    if (sealed === null) return LATER;
    if (last === null) this.#kept.keepSealed(kept, sealed);
    return this.#hand(kept.peer, { frame: sealed.frame, via });
  }

  /** The frame in which the answer went, while its session is there to open it. */
  #lastSealed({ sealed }: KeptCall): SealedReply | null {
    if (sealed === null) return null;
    const { session } = sealed;
    return this.#parts.table.get(session.id) === session && !session.over ? sealed : null;
  }

  /** @returns `null` without a session. */
  async #seal(peer: NodeId, { header, body }: Reply): Promise<SealedReply | null> {
    const session = this.#parts.table.current(peer);
    if (session === null) return null;
    const frame = await session.sealUnlessGone(header, body.slice());
    if (frame === null) return null;
    this.#parts.events.count("frames_sent");
    return { frame, session };
  }

  /** Refuses one frame of a call; nothing of it is kept. */
  async #refuse(
    peer: NodeId,
    call: Asked,
    { error, via }: { error: OpenRedError; via: Way },
  ): Promise<CallEnd> {
    const sealed = await this.#seal(peer, refusalTo(call, error));
    return sealed === null ? LATER : this.#hand(peer, { frame: sealed.frame, via });
  }

  #hand(peer: NodeId, { frame, via }: { frame: Uint8Array<ArrayBuffer>; via: Way }): CallEnd {
    if (via === "post") return { kind: "answered", frame };
    this.#parts.carrier.send(peer, frame);
    return LATER;
  }
}

function notPermitted(): OpenRedError {
  return new OpenRedError("forbidden", "This peer may not call this");
}
