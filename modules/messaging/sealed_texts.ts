/**
 * Texts at rest: sealed under the module's key, each bound to the row it stands in.
 *
 * @module
 */
import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import type { ModuleStorage } from "../api.ts";

/** The rows whose texts are sealed or opened together: fewer bytes than one call to the core takes. */
export const TEXTS_PER_CALL = 32;

/** Where a text stands; a text that was put elsewhere does not open. */
export type Place =
  | { readonly box: "inbox"; readonly peer: string; readonly id: string; readonly at: number }
  /** Without the peer: what waits moves along with a succession. */
  | { readonly box: "outbox"; readonly id: string; readonly at: number };

function aadOf(place: Place): Uint8Array {
  const { box, id, at } = place;
  return encodeUtf8(JSON.stringify([box, ...(box === "inbox" ? [place.peer] : []), id, at]));
}

type Sealing = Pick<ModuleStorage, "seal" | "open">;

/** Seals texts, in order. */
export async function sealTexts(
  storage: Sealing,
  texts: readonly { readonly place: Place; readonly text: string }[],
): Promise<readonly Uint8Array[]> {
  const sealed: Uint8Array[] = [];
  for (let at = 0; at < texts.length; at += TEXTS_PER_CALL) {
    const some = texts.slice(at, at + TEXTS_PER_CALL);
    sealed.push(
      ...await storage.seal(
        some.map(({ place, text }) => ({ aad: aadOf(place), content: encodeUtf8(text) })),
      ),
    );
  }
  return sealed;
}

/** Opens texts, in order; `null` for one that was changed on disk. */
export async function openTexts(
  storage: Sealing,
  rows: readonly { readonly place: Place; readonly sealed: Uint8Array }[],
): Promise<readonly (string | null)[]> {
  const opened: (string | null)[] = [];
  for (let at = 0; at < rows.length; at += TEXTS_PER_CALL) {
    const some = rows.slice(at, at + TEXTS_PER_CALL);
    const contents = await storage.open(
      some.map(({ place, sealed }) => ({ aad: aadOf(place), sealed })),
    );
    opened.push(...contents.map((content) => content === null ? null : decodeUtf8(content)));
  }
  return opened;
}
