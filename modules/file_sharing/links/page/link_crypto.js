// @ts-check
/**
 * The keys of a link, its sealed pieces and the hash tree of its files, for nodes and browsers alike: WebCrypto and
 * nothing else.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links"
 */

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

export const CHUNK_BYTES = 2 ** 20;
/** What sealing adds to a chunk. */
export const TAG_BYTES = 16;
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;
export const SECRET_BYTES = 32;
export const HASH_BYTES = 32;
/** Argon2id of a password (RFC 9106): lanes, passes, KiB. */
export const PASSWORD_COST = { parallelism: 1, iterations: 3, memorySize: 65_536, hashLength: 32 };

const AEAD = "AES-256-GCM";
const BLOCK_BYTES = 16_384;
const CHUNK_HEIGHT = 6;
const NO_BLOCK = new Uint8Array(HASH_BYTES);
const NOTHING = new Uint8Array();

/**
 * `enc(x₁, …, xₙ)` of docs/PROTOCOL.md, "Bytes".
 * @param {readonly (Uint8Array | string | number)[]} items
 * @returns {Bytes}
 */
export function enc(...items) {
  const parts = items.map((item) => {
    if (typeof item === "string") return new TextEncoder().encode(item);
    if (typeof item !== "number") return item;
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(item));
    return bytes;
  });
  const encoded = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    new DataView(encoded.buffer).setUint32(offset, part.length);
    encoded.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return encoded;
}

/**
 * @param {readonly Uint8Array[]} parts
 * @returns {Bytes}
 */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} Base64url without padding.
 */
export function toBase64Url(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * @param {string} text
 * @returns {Bytes | null} `null` for text that is not strict base64url.
 */
export function fromBase64Url(text) {
  if (text.length % 4 === 1 || !/^[A-Za-z0-9_-]*$/.test(text)) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return toBase64Url(bytes) === text ? bytes : null;
}

/**
 * @param {Bytes} key
 * @param {{ salt?: Bytes, info: Bytes, length?: number }} options
 * @returns {Promise<Bytes>}
 */
async function hkdf(key, { salt = NOTHING, info, length = SECRET_BYTES }) {
  const base = await crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
  const options = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(options, base, 8 * length));
}

/**
 * What a link's secret gives before any password: `access` shows the node that somebody has the link, `salt` goes into
 * Argon2id with the password.
 * @param {{ id: Bytes, secret: Bytes }} link 16 and 32 bytes.
 */
export async function deriveAccess({ id, secret }) {
  const [access, salt] = await Promise.all([
    hkdf(secret, { info: enc("openred/v3/link", "access", id) }),
    hkdf(secret, { info: enc("openred/v3/link", "salt", id), length: 16 }),
  ]);
  return { access, salt };
}

/**
 * A password as it goes into Argon2id: however its characters and blanks were typed.
 * @param {string} text
 * @returns {Bytes}
 */
export function passwordBytes(text) {
  return new TextEncoder().encode(text.replace(/\p{Zs}/gu, " ").normalize("NFC"));
}

/**
 * What the keys of a link's pieces come from.
 * @param {{ id: Bytes, secret: Bytes }} link
 * @param {Bytes | null} stretched Argon2id of the password; `null` without one.
 * @returns {Promise<{ open: Bytes | null, sealing: Bytes }>} `open` shows the node that somebody has the password.
 */
export async function deriveSealing({ id, secret }, stretched) {
  const info = enc("openred/v3/link", "sealing", id);
  if (stretched === null) return { open: null, sealing: await hkdf(secret, { info }) };
  const [open, mix] = await Promise.all([
    hkdf(stretched, { info: enc("openred/v3/link", "open", id) }),
    hkdf(stretched, { info: enc("openred/v3/link", "mix", id) }),
  ]);
  return { open, sealing: await hkdf(secret, { salt: mix, info }) };
}

/**
 * What is sealed under one key: its pieces have numbers.
 * @typedef {object} Sealed
 * @property {Bytes} transfer The link's id.
 * @property {"head" | "layer" | number} part A number is a file's place in the head.
 * @property {Bytes} root Of the file; empty for the head.
 * @property {number} length Of the file; 0 for the head.
 */

/**
 * @param {Bytes} sealing
 * @param {Sealed} what
 * @returns {Promise<CryptoKey>}
 */
export async function derivePartKey(sealing, { transfer, part, root, length }) {
  const info = enc("openred/v3/file", AEAD, transfer, part, root, length);
  const key = await hkdf(sealing, { info });
  return await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/**
 * @param {Sealed} what
 * @param {number} number
 */
function parameters({ transfer, root }, number) {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setBigUint64(4, BigInt(number));
  return { name: "AES-GCM", iv, additionalData: enc(transfer, root, number) };
}

/**
 * @param {CryptoKey} key
 * @param {Sealed} what
 * @param {{ number: number, content: Bytes }} piece
 * @returns {Promise<Bytes>}
 */
export async function sealPiece(key, what, { number, content }) {
  return new Uint8Array(await crypto.subtle.encrypt(parameters(what, number), key, content));
}

/**
 * @param {CryptoKey} key
 * @param {Sealed} what
 * @param {{ number: number, sealed: Bytes }} piece
 * @returns {Promise<Bytes | null>} `null` for a piece that was changed or moved.
 */
export async function openPiece(key, what, { number, sealed }) {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(what, number), key, sealed));
  } catch (error) {
    if (error instanceof DOMException && error.name === "OperationError") return null;
    throw error;
  }
}

/**
 * How long so many bytes are once they are sealed in chunks.
 * @param {number} bytes
 */
export function sealedLength(bytes) {
  return bytes + TAG_BYTES * Math.ceil(bytes / CHUNK_BYTES);
}

/**
 * How long the hashes of a file's chunks are; a file of one chunk has none.
 * @param {number} bytes
 */
export function layerLength(bytes) {
  const chunks = Math.ceil(bytes / CHUNK_BYTES);
  return chunks < 2 ? 0 : chunks * HASH_BYTES;
}

/**
 * @param {Bytes} data
 * @returns {Promise<Uint8Array>}
 */
async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

/**
 * @param {readonly Uint8Array[]} leaves
 * @param {{ height: number, padding: Uint8Array }} options
 */
async function fold(leaves, { height, padding }) {
  let row = leaves;
  let absent = padding;
  for (let level = 0; level < height; level++) {
    const below = row;
    const none = absent;
    const count = Math.ceil(below.length / 2);
    row = await Promise.all(
      Array.from(
        { length: count },
        (_, at) => join(below[2 * at] ?? none, below[2 * at + 1] ?? none),
      ),
    );
    absent = await join(none, none);
  }
  return row[0] ?? absent;
}

/**
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 */
function join(left, right) {
  const both = new Uint8Array(2 * HASH_BYTES);
  both.set(left);
  both.set(right, HASH_BYTES);
  return sha256(both);
}

/**
 * The root of one chunk of a file (BEP 52).
 * @param {Bytes} data
 * @param {{ isWhole: boolean }} options Whether the file has no other chunk.
 */
export async function chunkRoot(data, { isWhole }) {
  const count = Math.ceil(data.length / BLOCK_BYTES);
  const leaves = await Promise.all(
    Array.from(
      { length: count },
      (_, at) => sha256(data.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES)),
    ),
  );
  const height = isWhole ? Math.ceil(Math.log2(count)) : CHUNK_HEIGHT;
  return await fold(leaves, { height, padding: NO_BLOCK });
}

/**
 * The root of a file of more than one chunk.
 * @param {Uint8Array} layer The roots of its chunks.
 */
export async function layerRoot(layer) {
  const count = layer.length / HASH_BYTES;
  const hashes = Array.from(
    { length: count },
    (_, at) => layer.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
  const padding = await fold([NO_BLOCK], { height: CHUNK_HEIGHT, padding: NO_BLOCK });
  return await fold(hashes, { height: Math.ceil(Math.log2(count)), padding });
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export function isSame(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
