/**
 * Noise IK and X over 25519, ChaChaPoly and SHA256 (revision 34), without I/O.
 *
 * @module
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { type Bytes, concat, hmac, sha256, utf8 } from "./bytes.ts";
import { type NoiseKey, noiseKey, x25519 } from "./identity.ts";

const TAG_BYTES = 16;

function noiseHkdf(chainingKey: Bytes, input: Uint8Array): readonly [Bytes, Bytes] {
  const temp = hmac(chainingKey, input);
  const first = hmac(temp, Uint8Array.of(1));
  return [first, hmac(temp, concat(first, Uint8Array.of(2)))];
}

/** CipherState and SymmetricState of the Noise text in one. */
class SymmetricState {
  h: Bytes;
  #ck: Bytes;
  #k: Bytes | null = null;
  #n = 0;

  constructor(protocolName: string, prologue: Uint8Array) {
    const name = utf8(protocolName);
    this.h = name.length <= 32 ? concat(name, new Uint8Array(32 - name.length)) : sha256(name);
    this.#ck = this.h;
    this.mixHash(prologue);
  }

  mixHash(data: Uint8Array): void {
    this.h = sha256(this.h, data);
  }

  mixKey(input: Uint8Array): void {
    [this.#ck, this.#k] = noiseHkdf(this.#ck, input);
    this.#n = 0;
  }

  #cipher() {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setUint32(4, this.#n++, true);
    return chacha20poly1305(this.#k!, nonce, this.h);
  }

  seal(plain: Uint8Array): Bytes {
    const out = this.#k === null ? plain : this.#cipher().encrypt(plain);
    this.mixHash(out);
    return Uint8Array.from(out);
  }

  open(data: Uint8Array): Bytes {
    const out = this.#k === null ? data : this.#cipher().decrypt(data);
    this.mixHash(data);
    return Uint8Array.from(out);
  }

  split(): readonly [Bytes, Bytes] {
    return noiseHkdf(this.#ck, new Uint8Array());
  }
}

/** The end of a handshake: transcript hash and the two keys of Split(). */
export interface Finished {
  readonly h: Bytes;
  readonly k1: Bytes;
  readonly k2: Bytes;
}

function finish(state: SymmetricState): Finished {
  const [k1, k2] = state.split();
  return { h: state.h, k1, k2 };
}

const IK = "Noise_IK_25519_ChaChaPoly_SHA256";
const X = "Noise_X_25519_ChaChaPoly_SHA256";

/** The initiator of Noise IK. */
export class IkInitiator {
  readonly #state: SymmetricState;
  readonly #static: NoiseKey;
  readonly #ephemeral: NoiseKey;
  readonly #remote: Bytes;

  constructor(options: {
    readonly prologue: Bytes;
    readonly key: NoiseKey;
    readonly remote: Bytes;
    readonly ephemeral?: NoiseKey;
  }) {
    this.#state = new SymmetricState(IK, options.prologue);
    this.#state.mixHash(options.remote);
    this.#static = options.key;
    this.#remote = options.remote;
    this.#ephemeral = options.ephemeral ?? noiseKey();
  }

  writeMessage1(payload: Uint8Array): Bytes {
    const state = this.#state;
    state.mixHash(this.#ephemeral.public);
    state.mixKey(x25519(this.#ephemeral.secret, this.#remote));
    const sealedStatic = state.seal(this.#static.public);
    state.mixKey(x25519(this.#static.secret, this.#remote));
    return concat(this.#ephemeral.public, sealedStatic, state.seal(payload));
  }

  readMessage2(message: Bytes): Finished & { readonly payload: Bytes } {
    const state = this.#state;
    const remoteEphemeral = message.slice(0, 32);
    state.mixHash(remoteEphemeral);
    state.mixKey(x25519(this.#ephemeral.secret, remoteEphemeral));
    state.mixKey(x25519(this.#static.secret, remoteEphemeral));
    const payload = state.open(message.slice(32));
    return { ...finish(state), payload };
  }
}

/** The responder of Noise IK. */
export class IkResponder {
  readonly #state: SymmetricState;
  readonly #static: NoiseKey;
  #remoteEphemeral: Bytes = new Uint8Array();
  /** The initiator's static key, once message 1 was read. */
  remote: Bytes = new Uint8Array();

  constructor(options: { readonly prologue: Bytes; readonly key: NoiseKey }) {
    this.#state = new SymmetricState(IK, options.prologue);
    this.#state.mixHash(options.key.public);
    this.#static = options.key;
  }

  readMessage1(message: Bytes): Bytes {
    const state = this.#state;
    this.#remoteEphemeral = message.slice(0, 32);
    state.mixHash(this.#remoteEphemeral);
    state.mixKey(x25519(this.#static.secret, this.#remoteEphemeral));
    this.remote = state.open(message.slice(32, 64 + TAG_BYTES));
    state.mixKey(x25519(this.#static.secret, this.remote));
    return state.open(message.slice(64 + TAG_BYTES));
  }

  writeMessage2(payload: Uint8Array): Finished & { readonly message: Bytes } {
    const state = this.#state;
    const ephemeral = noiseKey();
    state.mixHash(ephemeral.public);
    state.mixKey(x25519(ephemeral.secret, this.#remoteEphemeral));
    state.mixKey(x25519(ephemeral.secret, this.remote));
    const message = concat(ephemeral.public, state.seal(payload));
    return { ...finish(state), message };
  }
}

/** One Noise X message to `remote`. */
export function sealX(options: {
  readonly prologue: Bytes;
  readonly key: NoiseKey;
  readonly remote: Bytes;
  readonly payload: Uint8Array;
}): Bytes {
  const { prologue, key, remote, payload } = options;
  const state = new SymmetricState(X, prologue);
  const ephemeral = noiseKey();
  state.mixHash(remote);
  state.mixHash(ephemeral.public);
  state.mixKey(x25519(ephemeral.secret, remote));
  const sealedStatic = state.seal(key.public);
  state.mixKey(x25519(key.secret, remote));
  return concat(ephemeral.public, sealedStatic, state.seal(payload));
}

/** Opens one Noise X message. @throws {Error} When it does not open. */
export function openX(options: {
  readonly prologue: Bytes;
  readonly key: NoiseKey;
  readonly message: Bytes;
}): { readonly payload: Bytes; readonly sender: Bytes } {
  const { prologue, key, message } = options;
  const state = new SymmetricState(X, prologue);
  state.mixHash(key.public);
  const ephemeral = message.slice(0, 32);
  state.mixHash(ephemeral);
  state.mixKey(x25519(key.secret, ephemeral));
  const sender = state.open(message.slice(32, 64 + TAG_BYTES));
  state.mixKey(x25519(key.secret, sender));
  return { sender, payload: state.open(message.slice(64 + TAG_BYTES)) };
}
