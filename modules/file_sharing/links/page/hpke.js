// @ts-check
/**
 * HPKE (RFC 9180) in its base mode, with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, over WebCrypto.
 *
 * @module
 */
import { concat } from "./link_crypto.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

export const KEY_BYTES = 32;
/** PKCS #8 of an X25519 private key, up to its 32 bytes (RFC 8410). */
const PKCS8 = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20];
const EMPTY = new Uint8Array();
const NONCE_BYTES = 12;

/** @param {string} text */
const ascii = (text) => new TextEncoder().encode(text);
const KEM_SUITE = concat(ascii("KEM"), Uint8Array.of(0, 0x20));
const SUITE = concat(ascii("HPKE"), Uint8Array.of(0, 0x20, 0, 1, 0, 2));

/**
 * @param {Bytes} key
 * @param {Bytes} data
 */
async function hmac(key, data) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  // An empty key is one of zeros, which WebCrypto takes.
  const raw = key.length === 0 ? new Uint8Array(32) : key;
  const imported = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign(algorithm, imported, data));
}

/**
 * @param {Bytes} suite
 * @param {{ salt: Bytes, label: string, ikm: Bytes }} options
 */
function labeledExtract(suite, { salt, label, ikm }) {
  return hmac(salt, concat(ascii("HPKE-v1"), suite, ascii(label), ikm));
}

/**
 * One block of HKDF-Expand, which is enough here.
 * @param {Bytes} suite
 * @param {{ key: Bytes, label: string, info: Bytes, length: number }} options
 */
async function labeledExpand(suite, { key, label, info, length }) {
  const labeled = concat(Uint8Array.of(0, length), ascii("HPKE-v1"), suite, ascii(label), info);
  return (await hmac(key, concat(labeled, Uint8Array.of(1)))).slice(0, length);
}

/** @param {Bytes} bytes */
async function importPublic(bytes) {
  return await crypto.subtle.importKey("raw", bytes, { name: "X25519" }, true, []);
}

/** @param {Bytes} secret 32 bytes. */
async function importPrivate(secret) {
  const pkcs8 = concat(Uint8Array.from(PKCS8), secret);
  return await crypto.subtle.importKey("pkcs8", pkcs8, { name: "X25519" }, true, ["deriveBits"]);
}

/**
 * The public key of a private one.
 * @param {Bytes} secret
 * @returns {Promise<string>} Base64url.
 */
export async function publicKeyOf(secret) {
  const { x } = await crypto.subtle.exportKey("jwk", await importPrivate(secret));
  return /** @type {string} */ (x);
}

/**
 * @param {{ privateKey: CryptoKey, publicKey: CryptoKey, enc: Bytes, receiver: Bytes, info: Bytes }} options
 * @returns {Promise<HpkeContext>}
 */
async function createContext({ privateKey, publicKey, enc, receiver, info }) {
  const algorithm = { name: "X25519", public: publicKey };
  const dh = new Uint8Array(await crypto.subtle.deriveBits(algorithm, privateKey, 256));
  const prk = await labeledExtract(KEM_SUITE, { salt: EMPTY, label: "eae_prk", ikm: dh });
  const shared = await labeledExpand(KEM_SUITE, {
    key: prk,
    label: "shared_secret",
    info: concat(enc, receiver),
    length: 32,
  });
  const [pskIdHash, infoHash, secret] = await Promise.all([
    labeledExtract(SUITE, { salt: EMPTY, label: "psk_id_hash", ikm: EMPTY }),
    labeledExtract(SUITE, { salt: EMPTY, label: "info_hash", ikm: info }),
    labeledExtract(SUITE, { salt: shared, label: "secret", ikm: EMPTY }),
  ]);
  const context = concat(Uint8Array.of(0), pskIdHash, infoHash);
  const expand = { key: secret, info: context };
  const [key, baseNonce] = await Promise.all([
    labeledExpand(SUITE, { ...expand, label: "key", length: 32 }),
    labeledExpand(SUITE, { ...expand, label: "base_nonce", length: NONCE_BYTES }),
  ]);
  const usages = /** @type {KeyUsage[]} */ (["encrypt", "decrypt"]);
  const aead = await crypto.subtle.importKey("raw", key, "AES-GCM", false, usages);
  return new HpkeContext(aead, baseNonce);
}

/**
 * Begins to seal for whoever has a private key.
 * @param {Bytes} receiver Its public key.
 * @param {Bytes} info
 * @returns {Promise<{ enc: Bytes, context: HpkeContext }>} `enc` goes along.
 */
export async function setUpSender(receiver, info) {
  const usages = /** @type {KeyUsage[]} */ (["deriveBits"]);
  const pair = await crypto.subtle.generateKey({ name: "X25519" }, false, usages);
  const { privateKey, publicKey: own } = /** @type {CryptoKeyPair} */ (pair);
  const enc = new Uint8Array(await crypto.subtle.exportKey("raw", own));
  const publicKey = await importPublic(receiver);
  return { enc, context: await createContext({ privateKey, publicKey, enc, receiver, info }) };
}

/**
 * @param {Bytes} secret The private key.
 * @param {{ enc: Bytes, receiver: Bytes, info: Bytes }} options `receiver`: its public key.
 */
export async function setUpReceiver(secret, { enc, receiver, info }) {
  const privateKey = await importPrivate(secret);
  const publicKey = await importPublic(enc);
  return await createContext({ privateKey, publicKey, enc, receiver, info });
}

/** Seals or opens pieces in order: each has the next number. */
export class HpkeContext {
  #key;
  #baseNonce;
  #next = 0;

  /**
   * @param {CryptoKey} key
   * @param {Bytes} baseNonce
   */
  constructor(key, baseNonce) {
    this.#key = key;
    this.#baseNonce = baseNonce;
  }

  /** @param {Bytes} aad */
  #parameters(aad) {
    const iv = this.#baseNonce.slice();
    const view = new DataView(iv.buffer);
    view.setBigUint64(4, view.getBigUint64(4) ^ BigInt(this.#next));
    return { name: "AES-GCM", iv, additionalData: aad };
  }

  /**
   * @param {Bytes} aad
   * @param {Bytes} content
   * @returns {Promise<Bytes>}
   */
  async seal(aad, content) {
    const parameters = this.#parameters(aad);
    this.#next += 1;
    return new Uint8Array(await crypto.subtle.encrypt(parameters, this.#key, content));
  }

  /**
   * @param {Bytes} aad
   * @param {Bytes} sealed
   * @returns {Promise<Bytes | null>} `null` for a piece that was changed or is another one; the number stays.
   */
  async open(aad, sealed) {
    try {
      const opened = await crypto.subtle.decrypt(this.#parameters(aad), this.#key, sealed);
      this.#next += 1;
      return new Uint8Array(opened);
    } catch (error) {
      if (error instanceof DOMException && error.name === "OperationError") return null;
      throw error;
    }
  }
}
