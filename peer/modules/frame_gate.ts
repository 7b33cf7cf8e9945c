/**
 * The one way from a session to the modules: a frame reaches a handler only through here, and only if its peer may.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { FrameHandler, PeerFrame } from "../../modules/api.ts";
import type { Standing } from "../../protocol/admin_api.ts";
import { frameHeaderSchema } from "../../protocol/frames.ts";
import type { FrameDeclaration } from "../../protocol/module_manifest.ts";
import type { StrangerPolicy } from "../../protocol/node_settings.ts";
import { checkGrowth } from "../../protocol/schemas.ts";
import type { DenialLog } from "../events/denial_log.ts";
import type { NodeEvents } from "../events/events.ts";
import type { Permissions } from "../peers/permissions.ts";
import type { ModuleFrame, ModuleGate } from "../sessions/module_gate.ts";
import type { Background } from "../timing/background.ts";
import type { FrameIds } from "./frame_ids.ts";
import { runMiddleware } from "./middleware.ts";
import { refusalOf } from "./refusal.ts";
import type { RunningModule } from "./running_module.ts";

/** The header members that the protocol gives every frame. */
const COMMON = Object.keys(frameHeaderSchema.entries);

/** The modules that run, in the order in which they started. */
export interface RunningModules {
  readonly all: Iterable<RunningModule>;
  get(name: string): RunningModule | undefined;
}

interface GateParts {
  readonly events: NodeEvents;
  readonly permissions: Permissions;
  readonly denials: DenialLog;
  readonly background: Background;
  readonly frameIds: FrameIds;
}

/** A frame, with who takes it. */
interface Addressed {
  readonly module: RunningModule;
  readonly declared: FrameDeclaration;
  readonly handler: FrameHandler;
}

/** Lets through what is permitted. */
export class FrameGate implements ModuleGate {
  readonly #parts: GateParts;
  readonly #modules: RunningModules;
  readonly #strangers: StrangerPolicy;
  /** What is being stored of the frames whose ids the node remembers. */
  readonly #storing = new Map<string, Promise<boolean>>();

  constructor(
    parts: GateParts,
    options: { modules: RunningModules; strangers: StrangerPolicy },
  ) {
    this.#parts = parts;
    this.#modules = options.modules;
    this.#strangers = options.strangers;
  }

  /**
   * Hands a frame to its module, if its peer may.
   * @returns Whether it is to be acknowledged.
   * @throws {OpenRedError} `unsupported` where `must` names what the module does not understand, `bad_request` for a
   *   `must` of another form, and what the handler refuses.
   */
  take(peer: NodeId, frame: ModuleFrame): Promise<boolean> {
    const to = this.#addressee(frame.type);
    if (to === null) {
      this.#parts.events.count("frames_dropped");
      return Promise.resolve(false);
    }
    const standing = this.#standing(to, peer, frame);
    if (standing === "allowed") return this.#handOnce(to, peer, { frame, isRequest: false });
    return this.#takeOther(to, peer, { frame, standing });
  }

  /** A frame of a peer that may not send it: it may be a repeat, or a stranger's request. */
  async #takeOther(
    to: Addressed,
    peer: NodeId,
    { frame, standing }: { frame: ModuleFrame; standing: Standing },
  ): Promise<boolean> {
    const { denials, events } = this.#parts;
    if (standing === "blocked") return false;
    // Stored while it was permitted, and its acknowledgement was lost.
    if (frame.id !== undefined && this.#has(to, peer, frame.id)) return true;
    if (standing === "stranger" && this.#strangers === "ask" && to.declared.strangers) {
      if (await this.#handOnce(to, peer, { frame, isRequest: true })) return true;
    }
    events.count("frames_denied");
    denials.note(peer, to.module.permissionOf(to.declared));
    return false;
  }

  /** Tells whether a repeat is acknowledged: only if the first was, and never to a blocked peer. */
  has(peer: NodeId, message: { type: string; id: string }): boolean {
    const to = this.#addressee(message.type);
    return to !== null && !this.#parts.permissions.isBlocked(peer) &&
      this.#has(to, peer, message.id);
  }

  refuses(peer: NodeId, frame: Pick<ModuleFrame, "type" | "input">): boolean {
    const to = this.#addressee(frame.type);
    if (to === null) return !this.#parts.permissions.isBlocked(peer);
    const standing = this.#standing(to, peer, frame);
    return standing === "denied" || standing === "stranger";
  }

  /** What a peer is with regard to one frame. */
  #standing(
    { module, declared, handler }: Addressed,
    peer: NodeId,
    { input }: Pick<ModuleFrame, "input">,
  ): Standing {
    const standing = this.#parts.permissions.standing(peer, module.permissionOf(declared));
    if (standing === "allowed" || standing === "blocked") return standing;
    return handler.admits?.(peer, input as PeerFrame["header"]) ? "allowed" : standing;
  }

  #addressee(type: string): Addressed | null {
    const [name = "", second = ""] = type.split(".");
    const module = this.#modules.get(name);
    const declared = module?.declared(second);
    const handler = module?.registered.frames.get(second);
    if (module === undefined || declared === undefined || handler === undefined) return null;
    return { module, declared, handler };
  }

  #has({ module, handler }: Addressed, peer: NodeId, id: string): boolean {
    return handler.has === undefined
      ? this.#parts.frameIds.has({ module: module.name, peer, id })
      : handler.has(peer, id);
  }

  /** A handler that does not know its ids is handed each of them until it has stored it, and then no more. */
  #handOnce(
    to: Addressed,
    peer: NodeId,
    what: { frame: ModuleFrame; isRequest: boolean },
  ): Promise<boolean> {
    const { id } = what.frame;
    if (to.handler.has !== undefined || id === undefined) return this.#hand(to, peer, what);
    if (this.#has(to, peer, id)) return Promise.resolve(true);
    const key = `${to.module.name} ${peer} ${id}`;
    let storing = this.#storing.get(key);
    if (storing === undefined) {
      storing = this.#hand(to, peer, what).finally(() => this.#storing.delete(key));
      this.#storing.set(key, storing);
    }
    return storing;
  }

  async #hand(
    to: Addressed,
    peer: NodeId,
    { frame, isRequest }: { frame: ModuleFrame; isRequest: boolean },
  ): Promise<boolean> {
    const { module, declared, handler } = to;
    checkGrowth(frame.input, { versioned: false, known: [...COMMON, ...declared.members] });
    const { type, id, body } = frame;
    const header = frame.input as PeerFrame["header"];
    const { background, frameIds } = this.#parts;
    const call = { method: "FRAME", path: type, peer, bytes: body.length };
    try {
      await runMiddleware(this.#modules.all, call, { owner: module, background });
      const isStored = await module.run(() =>
        handler.receive({ peer, type, id, header, body, isRequest })
      );
      if (!isStored || id === undefined) return false;
    } catch (error) {
      throw refusalOf(error) ?? error;
    }
    if (handler.has === undefined) await frameIds.note({ module: module.name, peer, id });
    return true;
  }
}
