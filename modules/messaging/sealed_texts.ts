/**
 * Texts at rest: sealed under the module's key, each bound to the row it stands in.
 *
 * @module
 */
import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import type { ModuleStorage } from "../api.ts";

/** The most bytes, and texts, that are sealed or opened together: less than one call to the core takes. */
const BYTES_PER_CALL = 2 * 2 ** 20;
export const TEXTS_PER_CALL = 32;

/** Where a text of the first version stands; a text that was put elsewhere does not open. */
export type Place =
  | { readonly box: "inbox"; readonly peer: string; readonly id: string; readonly at: number }
  /** Without the peer: what waits moves along with a succession. */
  | { readonly box: "outbox"; readonly id: string; readonly at: number };

/** What a text of the first version is bound to. */
export function aadOfPlace(place: Place): Uint8Array {
  const { box, id, at } = place;
  return encodeUtf8(JSON.stringify([box, ...(box === "inbox" ? [place.peer] : []), id, at]));
}

/** The columns of a row that its text is bound to. */
export interface BoundRow {
  readonly own: boolean;
  readonly form: number;
  readonly peer: string;
  readonly id: string;
  readonly kind: string;
  readonly run: string | null;
  readonly n: number | null;
  readonly after: string;
  readonly reply: string | null;
  readonly target: string | null;
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly expiresAt: number | null;
  /** Of an own row: the id that it was written to, which another one may have followed since. */
  readonly writtenTo: string;
}

/** What the text of a row is bound to. An own one gets its number in the transaction that stores it: that is not in it. */
export function aadOfRow(row: BoundRow): Uint8Array {
  const { own, form, peer, id, sentAt, receivedAt } = row;
  if (form === GROUP_FORM) return encodeUtf8(JSON.stringify(["group", id]));
  if (form === 1) {
    return aadOfPlace(
      own ? { box: "outbox", id, at: sentAt } : { box: "inbox", peer, id, at: receivedAt },
    );
  }
  const { kind, after, reply, target, expiresAt } = row;
  const of = own ? ownOf(row) : ["in", peer, receivedAt, row.run, row.n];
  return encodeUtf8(JSON.stringify([...of, id, kind, sentAt, after, reply, target, expiresAt]));
}

function ownOf({ form, writtenTo }: BoundRow): string[] {
  return form === ADDRESSED_FORM ? ["to", writtenTo] : ["out"];
}

/** An own row of a conversation of two; those of former versions, 2, are not bound to their recipient. */
export const ADDRESSED_FORM = 4;
/** A row of a group: its id is the hash of what its author signed, and that binds all the rest. */
export const GROUP_FORM = 3;
/** The salt of a group's text stands before it, in base64url. */
export const SALT_LENGTH = 22;

/** The text of a row without what stands before it. */
export function textOfRow({ form }: Pick<BoundRow, "form">, opened: string): string {
  return form === GROUP_FORM ? opened.slice(SALT_LENGTH) : opened;
}

type Sealing = Pick<ModuleStorage, "seal" | "open">;

/** Seals texts, in order: the calls for them go to the core together. */
export async function sealTexts(
  storage: Sealing,
  texts: readonly { readonly aad: Uint8Array; readonly text: string }[],
): Promise<readonly Uint8Array[]> {
  const rows = texts.map(({ aad, text }) => ({ aad, content: encodeUtf8(text) }));
  const calls = batches(rows, ({ content }) => content.length);
  return (await Promise.all(calls.map((some) => storage.seal(some)))).flat();
}

interface SealedText {
  readonly aad: Uint8Array;
  readonly sealed: Uint8Array;
}

/** Opens texts, in order; `null` for one that was changed on disk. */
export async function openTexts(
  storage: Sealing,
  rows: readonly SealedText[],
): Promise<readonly (string | null)[]> {
  const opened: (string | null)[] = [];
  for (const some of batches(rows, ({ sealed }) => sealed.length)) {
    const contents = await storage.open(some);
    opened.push(...contents.map((content) => content === null ? null : decodeUtf8(content)));
  }
  return opened;
}

function batches<T>(rows: readonly T[], bytesOf: (row: T) => number): T[][] {
  const all: T[][] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += bytesOf(row);
    const last = all.at(-1);
    if (last === undefined || last.length >= TEXTS_PER_CALL || bytes > BYTES_PER_CALL) {
      all.push([row]);
      bytes = bytesOf(row);
    } else last.push(row);
  }
  return all;
}

/** What a draft is bound to: not to its conversation, which may become another id's. */
export function aadOfDraft(id: string): Uint8Array {
  return encodeUtf8(JSON.stringify(["draft", id]));
}
