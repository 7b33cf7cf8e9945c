/**
 * Keys of strangers, where a directory takes invited nodes only (docs/PROTOCOL.md, "Keys").
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import { isShownBy, type KeyRefusal, type ShownKey } from "../protocol/directory_key.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { judgeKey } from "./key_judging.ts";
import type { DirectoryParts } from "./parts.ts";

const WHY: Readonly<Record<KeyRefusal, string>> = {
  unknown: "is none of this directory",
  revoked: "was revoked",
  expired: "has expired",
  used: "is used up",
};

function refused(reason: KeyRefusal): OpenRedError {
  return new OpenRedError("key_refused", `The key ${WHY[reason]}`, { members: { reason } });
}

/** Lets in whoever holds a key. Does nothing in a directory that takes everybody. */
export class KeyCheck {
  readonly #parts: Pick<DirectoryParts, "clock" | "config" | "log" | "store">;

  constructor(parts: Pick<DirectoryParts, "clock" | "config" | "log" | "store">) {
    this.#parts = parts;
  }

  get #isOff(): boolean {
    return this.#parts.config.inviteOnly !== true;
  }

  /**
   * Looks whether the key lets the id in, before anybody is called for it. Nothing is told of a key to whoever does not
   * hold it.
   * @throws {OpenRedError} `key_required` or `key_refused`.
   */
  async check(id: NodeId, shown: ShownKey | undefined): Promise<void> {
    if (this.#isOff) return;
    if (shown === undefined) {
      throw new OpenRedError("key_required", "This directory takes new nodes with a key only");
    }
    const { clock, store } = this.#parts;
    const key = await store.findKey(shown.id, id);
    if (key === null || !await isShownBy(key.secret, { node: id, mac: shown.mac })) {
      throw refused("unknown");
    }
    const refusal = judgeKey(key, clock.nowMs());
    if (refusal !== null) throw refused(refusal);
  }

  /**
   * Counts the id among those that the key has let in. {@linkcode check} has held.
   * @throws {OpenRedError} `key_refused` where the key has ended meanwhile, or was used up.
   */
  async use(id: NodeId, shown: ShownKey | undefined): Promise<void> {
    if (this.#isOff || shown === undefined) return;
    const { clock, log, store } = this.#parts;
    const refusal = await store.useKey({ keyId: shown.id, id, nowMs: clock.nowMs() });
    if (refusal !== null) throw refused(refusal);
    log.log("info", "key_used", { key: shown.id, id });
  }
}
