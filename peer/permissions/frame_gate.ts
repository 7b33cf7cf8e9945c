/**
 * The one way from a session to the modules: a frame reaches a handler only through here, and only if its peer may.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { NodeEvents } from "../events.ts";
import type { DenialLog } from "./denial_log.ts";
import type { ModulePermissions } from "./module_permissions.ts";
import type { Permissions } from "./permissions.ts";

/** Who takes the frames of one module. */
export interface FrameHandler {
  /**
   * Takes a frame of a confirmed session whose peer may send it; its header is an object with a text `type`.
   * @returns Whether it was stored durably, so that it may be acknowledged.
   * @throws {OpenRedError} For a frame that is dropped and counted.
   */
  receive(peer: NodeId, header: unknown, body: Uint8Array): Promise<boolean>;
  /** Tells whether the message of this id was stored before. */
  has(peer: NodeId, id: string): boolean;
  /**
   * Takes a stranger's contact request, as `receive`; `false` is a refusal. A module without it never hears of
   * strangers.
   */
  receiveRequest?(peer: NodeId, header: unknown, body: Uint8Array): Promise<boolean>;
}

/** What becomes of a stranger's contact request: kept for a person to see, or nothing at all. */
export type StrangerPolicy = "ask" | "deny";

/** A frame of a module, out of a confirmed session. */
export interface ModuleFrame {
  readonly type: string;
  readonly id: string | undefined;
  readonly input: unknown;
  readonly body: Uint8Array;
}

interface GateParts {
  readonly events: NodeEvents;
  readonly permissions: Permissions;
  readonly modulePermissions: ModulePermissions;
  readonly denials: DenialLog;
}

/** Holds the handlers, and lets through what is permitted. */
export class FrameGate {
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
   * @throws {OpenRedError} What the handler refuses.
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
    if (standing === "allowed") return await handler.receive(peer, frame.input, frame.body);
    if (standing === "blocked") return false;
    // Stored while it was permitted, and its acknowledgement was lost.
    if (frame.id !== undefined && handler.has(peer, frame.id)) return true;
    if (standing === "stranger" && this.#strangers === "ask" && handler.receiveRequest) {
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
