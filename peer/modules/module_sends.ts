/**
 * What a module sends: its own frames only, and no more of them under way than its share.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { OutgoingFrame, Sending } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { ReliableMessage } from "../sessions/reliable.ts";
import { outgoingHeader } from "./outgoing.ts";
import type { ModuleKind } from "./running_module.ts";

const MAX_ID_LENGTH = { "built-in": 64, file: 30 } as const;
const MAX_UNDER_WAY = { "built-in": 100_000, file: 256 } as const;
const ID = /^[A-Za-z0-9_-]+$/;

/** How frames leave the node. */
export interface Sender {
  /** Keeps and repeats a frame until it is acknowledged. */
  sendReliable(message: ReliableMessage): void;
  cancel(id: string): void;
  /** Sends a frame once; without a session it is dropped. */
  sendOnce(peer: NodeId, header: Record<string, unknown>, body?: Uint8Array): void;
  /** Sees to it that there will be a session. */
  want(peer: NodeId): void;
  isConnected(peer: NodeId): boolean;
}

export interface SendingModule {
  readonly name: string;
  readonly kind: ModuleKind;
  /** The second halves of the types it may send. */
  readonly types: ReadonlySet<string>;
}

/** The sends of one running module. */
export class ModuleSends {
  readonly #sender: Sender;
  readonly #module: SendingModule;
  /** By the id on the wire. */
  readonly #underWay = new Map<string, NodeId>();
  #isOver = false;

  constructor(sender: Sender, module: SendingModule) {
    this.#sender = sender;
    this.#module = module;
  }

  /** @throws {OpenRedError} `bad_request`, `too_large`, `overloaded`. */
  send(frame: OutgoingFrame): Sending {
    const header = outgoingHeader(this.#module, frame);
    if (this.#isOver) throw new OpenRedError("overloaded", "The module has stopped");
    if (frame.id === undefined) {
      this.#sender.sendOnce(frame.peer, header, frame.body);
      return { acknowledged: Promise.resolve(null), refused: false, cancel: () => {} };
    }
    return this.#sendReliable(frame, { id: this.#wireId(frame.id), header });
  }

  /** How many frames to a peer are not acknowledged. */
  waiting(peer: NodeId): number {
    return [...this.#underWay.values()].filter((other) => other === peer).length;
  }

  /** Cancels all that is under way, to one peer or to everybody. */
  cancel(peer?: NodeId): void {
    for (const [id, to] of [...this.#underWay]) {
      if (peer === undefined || to === peer) this.#sender.cancel(id);
    }
  }

  /** Nothing leaves any more. */
  stop(): void {
    this.#isOver = true;
    this.cancel();
  }

  #wireId(id: string): string {
    const { kind, name } = this.#module;
    if (!ID.test(id) || id.length > MAX_ID_LENGTH[kind]) {
      throw new OpenRedError("bad_request", "Expected an id of A–Z, a–z, 0–9, _ and -");
    }
    return kind === "built-in" ? id : `${name}-${id}`;
  }

  #sendReliable(
    { peer, body }: OutgoingFrame,
    { id, header }: { id: string; header: Record<string, unknown> },
  ): Sending {
    if (this.#underWay.size >= MAX_UNDER_WAY[this.#module.kind]) {
      throw new OpenRedError("overloaded", "Too many frames of this module wait already");
    }
    if (this.#underWay.has(id)) {
      throw new OpenRedError("bad_request", "A frame of this id is under way already");
    }
    const { promise, resolve } = Promise.withResolvers<number | null>();
    const end = (rttMs: number | null) => {
      this.#underWay.delete(id);
      resolve(rttMs);
    };
    let refused = false;
    this.#underWay.set(id, peer);
    this.#sender.sendReliable({
      peer,
      id,
      header,
      ...(body === undefined ? {} : { body }),
      acknowledged: end,
      dropped: () => end(null),
      refused: () => {
        refused = true;
        end(null);
      },
    });
    if (!this.#sender.isConnected(peer)) this.#sender.want(peer);
    return {
      acknowledged: promise,
      get refused() {
        return refused;
      },
      cancel: () => this.#sender.cancel(id),
    };
  }
}
