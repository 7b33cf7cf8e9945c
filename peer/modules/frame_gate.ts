/**
 * The one way from a session to the modules: a frame reaches a handler only through here, and only if its peer may.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { frameHeaderSchema } from "../../protocol/frames.ts";
import { checkGrowth } from "../../protocol/schemas.ts";
import type { NodeEvents } from "../events/events.ts";
import type { ModuleFrame, ModuleGate } from "../sessions/module_gate.ts";
import type { StrangerPolicy } from "../../protocol/node_settings.ts";
import type { DenialLog } from "../events/denial_log.ts";
import type { ModulePermissions } from "../peers/module_permissions.ts";
import type { Permissions } from "../peers/permissions.ts";

/**
 * Who takes the frames of one module. A frame comes here out of a confirmed session whose peer may send it; its header
 * is an object whose `type` begins with the module's name, whose `id` (optional) has its form, and whose `must` names
 * nothing but `type`, `id`, `must` and {@linkcode members}. Every other member is unchecked input of the peer. The body
 * has less than 1 MiB. Frames have no order.
 */
export interface FrameHandler {
  /** The permission that its frames need: 1 to 32 of `a–z 0–9 _`; one of the module's own name unless it says so. */
  readonly permission?: string;
  /** The header members that it understands, of all its types: a frame that insists on another one is dropped. */
  readonly members?: readonly string[];
  /**
   * Takes a frame. One of the same `id` can come again, in another session or while the first is still being stored:
   * it is to be stored once, and is answered alike.
   * @returns Whether it was stored durably, so that it may be acknowledged; without an `id` it is not.
   * @throws {OpenRedError} For a frame that is dropped and counted. Any other error leaves a line in the program's log;
   *   the frame is not acknowledged either.
   */
  receive(peer: NodeId, header: unknown, body: Uint8Array): Promise<boolean>;
  /**
   * Tells whether the message of this id was stored before, at once: it is asked for every repeat, and for what a peer
   * sends that may not or no longer. Then it is acknowledged again and goes no further.
   */
  has(peer: NodeId, id: string): boolean;
  /**
   * Takes a stranger's contact request, as `receive`; `false` is a refusal. A module without it never hears of
   * strangers.
   */
  receiveRequest?(peer: NodeId, header: unknown, body: Uint8Array): Promise<boolean>;
}

/** The header members that the protocol gives every frame. */
const COMMON = Object.keys(frameHeaderSchema.entries);

interface GateParts {
  readonly events: NodeEvents;
  readonly permissions: Permissions;
  readonly modulePermissions: ModulePermissions;
  readonly denials: DenialLog;
}

/** Holds the handlers, and lets through what is permitted. */
export class FrameGate implements ModuleGate {
  readonly #parts: GateParts;
  readonly #handlers: ReadonlyMap<string, FrameHandler>;
  readonly #strangers: StrangerPolicy;

  /** @param options `handlers`: by module name. */
  constructor(
    parts: GateParts,
    options: { handlers: ReadonlyMap<string, FrameHandler>; strangers: StrangerPolicy },
  ) {
    this.#parts = parts;
    this.#handlers = options.handlers;
    this.#strangers = options.strangers;
  }

  /**
   * Hands a frame to its module, if its peer may.
   * @returns Whether it is to be acknowledged.
   * @throws {OpenRedError} `unsupported` where `must` names what the module does not understand, `bad_request` for a
   *   `must` of another form, and what the handler refuses.
   */
  async take(peer: NodeId, frame: ModuleFrame): Promise<boolean> {
    const { permissions, modulePermissions, denials, events } = this.#parts;
    const module = moduleOf(frame.type);
    const handler = this.#handlers.get(module);
    if (handler === undefined) {
      events.count("frames_dropped");
      return false;
    }
    const permission = modulePermissions.of(module);
    const standing = permissions.standing(peer, permission);
    if (standing === "allowed") {
      checkMust(handler, frame);
      return await handler.receive(peer, frame.input, frame.body);
    }
    if (standing === "blocked") return false;
    // Stored while it was permitted, and its acknowledgement was lost.
    if (frame.id !== undefined && handler.has(peer, frame.id)) return true;
    if (standing === "stranger" && this.#strangers === "ask" && handler.receiveRequest) {
      checkMust(handler, frame);
      if (await handler.receiveRequest(peer, frame.input, frame.body)) return true;
    }
    events.count("frames_denied");
    denials.note(peer, permission);
    return false;
  }

  /** Tells whether a repeat is acknowledged: only if the first was, and never to a blocked peer. */
  has(peer: NodeId, message: { type: string; id: string }): boolean {
    const handler = this.#handlers.get(moduleOf(message.type));
    return handler !== undefined && !this.#parts.permissions.isBlocked(peer) &&
      handler.has(peer, message.id);
  }
}

function moduleOf(type: string): string {
  return type.slice(0, type.indexOf("."));
}

function checkMust({ members = [] }: FrameHandler, { input }: ModuleFrame): void {
  checkGrowth(input, { versioned: false, known: [...COMMON, ...members] });
}
