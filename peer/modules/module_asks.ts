/**
 * The sealed calls that a module makes: of its own types only, and no more of them under way than its share.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Answered, Ask } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { CALL_REPEAT_MS } from "../../protocol/limits.ts";
import type { FrameDeclaration } from "../../protocol/module_manifest.ts";
import type { Asking } from "./asking.ts";
import { outgoingHeader } from "./outgoing.ts";
import type { ModuleKind } from "./running_module.ts";

const MAX_UNDER_WAY = { "built-in": 1_024, file: 64 } as const;
const DEFAULT_WAIT_MS = 30_000;

export interface AskingModule {
  readonly name: string;
  readonly kind: ModuleKind;
  readonly frames: readonly FrameDeclaration[];
}

/** The calls of one running module. */
export class ModuleAsks {
  readonly #asking: Pick<Asking, "ask">;
  readonly #module: AskingModule;
  readonly #types: ReadonlySet<string>;
  /** What ends each call, with whom it is made to. */
  readonly #underWay = new Map<AbortController, NodeId>();
  #isOver = false;

  constructor(asking: Pick<Asking, "ask">, module: AskingModule) {
    this.#asking = asking;
    this.#module = module;
    this.#types = new Set(module.frames.filter(({ answers }) => answers).map(({ type }) => type));
  }

  /** @throws {OpenRedError} `bad_request`, `too_large`, `overloaded`; as {@linkcode Asking.ask}. */
  async ask(ask: Ask): Promise<Answered> {
    const { name, kind, frames } = this.#module;
    const { peer, type, body, waitMs = DEFAULT_WAIT_MS } = ask;
    const header = outgoingHeader({ name, types: this.#types }, ask);
    if (!Number.isFinite(waitMs) || waitMs <= 0 || waitMs > CALL_REPEAT_MS) {
      throw new OpenRedError("bad_request", "Expected to wait for at most two minutes");
    }
    if (this.#isOver) throw new OpenRedError("overloaded", "The module has stopped");
    if (this.#underWay.size >= MAX_UNDER_WAY[kind]) {
      throw new OpenRedError("overloaded", "Too many calls of this module are under way");
    }
    const end = new AbortController();
    this.#underWay.set(end, peer);
    try {
      return await this.#asking.ask({
        peer,
        header: { ...header, type: `${name}.${type}` },
        // The module may go on to use its own.
        ...(body === undefined ? {} : { body: body.slice() }),
        members: frames.find((frame) => frame.type === type)?.members ?? [],
        waitMs,
        signal: ask.signal === undefined ? end.signal : AbortSignal.any([end.signal, ask.signal]),
      });
    } finally {
      this.#underWay.delete(end);
    }
  }

  /** Gives up the calls to one peer, or all. */
  cancel(peer?: NodeId): void {
    for (const [end, to] of [...this.#underWay]) {
      if (peer === undefined || to === peer) end.abort();
    }
  }

  /** Nothing is asked any more. */
  stop(): void {
    this.#isOver = true;
    this.cancel();
  }
}
