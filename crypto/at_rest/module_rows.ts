/**
 * Rows of modules: sealed under a key of the module, which never leaves the core.
 *
 * A sealed row is `number of the root(4) ‖ nonce(12) ‖ ciphertext ‖ tag(16)`, big-endian: ChaCha20-Poly1305, the AAD
 * being what the module says the row is. The number tells which of the node's roots the key of this row comes from.
 *
 * @module
 * @see docs/PROTOCOL.md, "Keys of modules"
 */
import type { Aead } from "../primitives/aead.ts";
import { wipe } from "../primitives/bytes.ts";
import type { CallArgument, CallTable } from "../bridge/calls.ts";
import { checkByteArray, checkBytes } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { enc } from "../encoding.ts";
import {
  CryptoError,
  isModuleName,
  type KeyRef,
  MAX_CALL_ITEMS,
  MAX_ROWS_BYTES,
} from "../interface.ts";
import type { Hashes } from "../primitives/hashes.ts";
import type { Held } from "../keyring/keyring.ts";
import { StorageRoots } from "./storage_roots.ts";

const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NUMBER_BYTES = 4;
const NONCE_BYTES = 12;
const HEAD_BYTES = NUMBER_BYTES + NONCE_BYTES;
const LABEL = "openred/v3/module";

type RowCalls = Pick<CallTable, "deriveModuleKey" | "sealRows" | "openRows">;

/** The key of a module under each of the node's roots. */
class ModuleKey implements Held {
  /** The newest root's number, under which is sealed. */
  readonly newest: number;
  /** 32 bytes each, by the number of their root. */
  readonly byRoot: ReadonlyMap<number, Uint8Array>;

  constructor(keys: readonly (readonly [number, Uint8Array])[]) {
    this.newest = keys[0]![0];
    this.byRoot = new Map(keys);
  }

  wipe(): void {
    wipe(...this.byRoot.values());
  }
}

/** The key of a module's rows under one root: 32 bytes, the caller's to wipe. `salt` is 16 bytes. */
export function rowKey(
  hashes: Hashes,
  root: Uint8Array,
  { module, salt }: { readonly module: string; readonly salt: Uint8Array },
): Uint8Array {
  const prk = hashes.hkdfExtract(new Uint8Array(0), root);
  const key = hashes.hkdfExpand(prk, enc(LABEL, module, salt), KEY_BYTES);
  wipe(prk);
  return key;
}

/** Seals one row; `nonce` is 12 bytes, never used before under this key. */
export function sealRow(
  aead: Aead,
  key: { readonly number: number; readonly bytes: Uint8Array },
  row: { readonly nonce: Uint8Array; readonly aad: Uint8Array; readonly content: Uint8Array },
): Uint8Array {
  const box = aead.seal(key.bytes, row.nonce, row.aad, row.content);
  const sealed = new Uint8Array(HEAD_BYTES + box.length);
  new DataView(sealed.buffer).setUint32(0, key.number);
  sealed.set(row.nonce, NUMBER_BYTES);
  sealed.set(box, HEAD_BYTES);
  return sealed;
}

function openRow(
  aead: Aead,
  key: ModuleKey,
  row: { readonly aad: Uint8Array; readonly sealed: Uint8Array },
): Uint8Array | null {
  const { sealed, aad } = row;
  if (sealed.length < HEAD_BYTES) return null;
  const number = new DataView(sealed.buffer, sealed.byteOffset).getUint32(0);
  const bytes = key.byRoot.get(number);
  if (bytes === undefined) return null;
  return aead.open(bytes, sealed.slice(NUMBER_BYTES, HEAD_BYTES), aad, sealed.slice(HEAD_BYTES));
}

/** Bounds the rows of a call, so that others get their turn. */
function checkRows(rows: readonly (readonly Uint8Array[])[]): void {
  let bytes = 0;
  for (const members of rows) {
    for (const member of members) {
      checkByteArray(member, "a member of a row");
      bytes += member.length;
    }
  }
  if (bytes <= MAX_ROWS_BYTES) return;
  throw new CryptoError("bad_argument", `Expected rows of at most ${MAX_ROWS_BYTES} bytes`);
}

function checkCount(rows: readonly unknown[]): void {
  if (Array.isArray(rows) && rows.length <= MAX_CALL_ITEMS) return;
  throw new CryptoError("bad_argument", `Expected at most ${MAX_CALL_ITEMS} rows`);
}

function deriveModuleKey(parts: CoreParts, options: CallArgument<"deriveModuleKey">): KeyRef {
  const { module, salt } = options;
  const { roots } = parts.ring.get(options.storage, StorageRoots);
  if (!isModuleName(module)) throw new CryptoError("bad_argument", "Expected a module's name");
  checkBytes(salt, SALT_BYTES, "a module's salt");
  const keyOf = (root: Uint8Array) => rowKey(parts.hashes, root, { module, salt });
  return parts.ring.add(
    new ModuleKey(roots.map(({ number, bytes }) => [number, keyOf(bytes)] as const)),
  );
}

function sealRows(parts: CoreParts, options: CallArgument<"sealRows">): Uint8Array[] {
  const { rows } = options;
  const { newest, byRoot } = parts.ring.get(options.key, ModuleKey);
  checkCount(rows);
  checkRows(rows.map(({ aad, content }) => [aad, content]));
  const key = { number: newest, bytes: byRoot.get(newest)! };
  return rows.map(({ aad, content }) =>
    sealRow(parts.aeads.chacha20Poly1305, key, { nonce: parts.random(NONCE_BYTES), aad, content })
  );
}

function openRows(parts: CoreParts, options: CallArgument<"openRows">): (Uint8Array | null)[] {
  const { rows } = options;
  const key = parts.ring.get(options.key, ModuleKey);
  checkCount(rows);
  checkRows(rows.map(({ aad, sealed }) => [aad, sealed]));
  return rows.map((row) => openRow(parts.aeads.chacha20Poly1305, key, row));
}

export function createRowCalls(parts: CoreParts): RowCalls {
  return {
    deriveModuleKey: (options) => deriveModuleKey(parts, options),
    sealRows: (options) => sealRows(parts, options),
    openRows: (options) => openRows(parts, options),
  };
}
