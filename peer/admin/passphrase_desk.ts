/**
 * The passphrase of a running node's keys: its secret is sealed, or lies there as it is, from the next start on.
 *
 * @module
 */
import { type CryptoCore, CryptoError, type KeystoreCost } from "../../crypto/interface.ts";
import {
  changePassphrase,
  readNodeSecret,
  removePassphrase,
  SECRET_FILE,
  setPassphrase,
} from "../../ports/node_secret.ts";
import type { Files } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  canonicalPassphrase,
  MAX_PASSPHRASE_BYTES,
  MIN_NEW_PASSPHRASE_BYTES,
} from "../../protocol/passphrase_text.ts";
import { passphraseInputSchema, type PassphraseView } from "../../protocol/settings_api.ts";
import type { NodeEvents } from "../events/events.ts";
import type { KeyChanges } from "./key_changes.ts";
import type { AddPost } from "./peer_routes.ts";

interface PassphraseDeskParts {
  readonly crypto: CryptoCore;
  readonly files: Files;
  readonly events: Pick<NodeEvents, "audit">;
  readonly keyChanges: KeyChanges;
  /** Whether a file of the data directory has a name elsewhere, too. */
  readonly hasOtherNames?: (name: string) => boolean;
}

/** Passphrases as they came; `null` for none. */
interface Change {
  readonly passphrase: Uint8Array | null;
  readonly current: Uint8Array | null;
}

/** Changes the passphrase. */
export class PassphraseDesk {
  readonly #parts: PassphraseDeskParts;
  readonly #cost: KeystoreCost | undefined;

  constructor(
    parts: PassphraseDeskParts,
    { keystoreCost }: { readonly keystoreCost?: KeystoreCost },
  ) {
    this.#parts = parts;
    this.#cost = keystoreCost;
  }

  async view(): Promise<PassphraseView> {
    const stored = await readNodeSecret(this.#parts.files);
    if (stored?.kind === "plain") stored.secret.fill(0);
    return { is_set: stored?.kind === "sealed" };
  }

  /**
   * Sets, changes or removes the passphrase. What was given is wiped.
   * @throws {OpenRedError} `forbidden` for a wrong one; `bad_request` for one that cannot be, or where there is none to
   *   change, or one already; `overloaded` while the keys are changed otherwise. Nothing was changed then.
   */
  async change(given: Change): Promise<PassphraseView> {
    let end = () => {};
    try {
      end = this.#parts.keyChanges.begin();
      const { passphrase, current } = canonical(given);
      const kind = await this.#write({ passphrase, current });
      this.#parts.events.audit("passphrase_changed", { success: true, kind });
      return await this.view();
    } catch (cause) {
      if (!(cause instanceof CryptoError) || cause.code !== "unseal_failed") throw cause;
      this.#parts.events.audit("passphrase_changed", { success: false });
      throw new OpenRedError("forbidden", "The passphrase is wrong; nothing was changed", {
        cause,
      });
    } finally {
      wipe(given);
      end();
    }
  }

  async #write({ passphrase, current }: Change): Promise<"set" | "changed" | "removed"> {
    const parts = this.#parts;
    const cost = this.#cost;
    if (current === null) {
      if (passphrase === null) {
        throw new OpenRedError("bad_request", "Say which passphrase holds now, or is to hold");
      }
      if (parts.hasOtherNames?.(SECRET_FILE)) {
        const text = `${SECRET_FILE} has another name elsewhere, and would stay readable there`;
        throw new OpenRedError("bad_request", text);
      }
      await setPassphrase(parts, { passphrase, cost });
      return "set";
    }
    if (passphrase === null) {
      await removePassphrase(parts, { passphrase: current });
      return "removed";
    }
    await changePassphrase(parts, { passphrase: current, newPassphrase: passphrase, cost });
    return "changed";
  }
}

function wipe({ passphrase, current }: Change): void {
  passphrase?.fill(0);
  current?.fill(0);
}

/** @throws {OpenRedError} `bad_request`. */
function canonical(given: Change): Change {
  const passphrase = canonicalForm(given.passphrase, MIN_NEW_PASSPHRASE_BYTES);
  return { passphrase, current: canonicalForm(given.current, 1) };
}

/**
 * A passphrase as it is stretched, whatever system it was typed on.
 * @throws {OpenRedError} `bad_request` for one that cannot be.
 */
export function canonicalForm(given: Uint8Array, minBytes: number): Uint8Array;
export function canonicalForm(given: Uint8Array | null, minBytes: number): Uint8Array | null;
export function canonicalForm(given: Uint8Array | null, minBytes: number): Uint8Array | null {
  if (given === null) return null;
  let form: Uint8Array;
  try {
    form = canonicalPassphrase(given);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new OpenRedError("bad_request", `Passphrase: ${cause.message}`, { cause });
  }
  if (form.length >= minBytes && form.length <= MAX_PASSPHRASE_BYTES) return form;
  form.fill(0);
  const text = `A passphrase has ${minBytes} to ${MAX_PASSPHRASE_BYTES} bytes`;
  throw new OpenRedError("bad_request", text);
}

/** Adds the route that changes it: it asks for a factor of its own, as all that outlives a session. */
export function addPassphraseRoutes(post: AddPost, desk: PassphraseDesk): void {
  post("/passphrase", passphraseInputSchema, (input) => desk.change(input), { stepUp: "once" });
}
