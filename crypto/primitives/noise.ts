/**
 * Noise_IK and Noise_X over 25519, ChaChaPoly and SHA256 as a state machine without I/O.
 *
 * @module
 * @see The Noise Protocol Framework, revision 34, §5 and §7
 */
import { wipe } from "./bytes.ts";
import { DhKey } from "./curves.ts";
import { concatBytes } from "../encoding.ts";
import { CryptoError } from "../interface.ts";
import { type NoisePrimitives, SymmetricState } from "./noise_symmetric.ts";

export { CipherState, type NoisePrimitives, SymmetricState } from "./noise_symmetric.ts";

const KEY_BYTES = 32;
const MAX_MESSAGE_BYTES = 65_535;

type Token = "e" | "s" | "ee" | "es" | "se" | "ss";
type NoisePattern = "IK" | "X";

/** Both patterns have the one pre-message `← s`. */
const MESSAGES: Readonly<Record<NoisePattern, readonly (readonly Token[])[]>> = {
  IK: [["e", "es", "s", "ss"], ["e", "ee", "se"]],
  X: [["e", "es", "s", "ss"]],
};

export interface HandshakeOptions {
  readonly pattern: NoisePattern;
  readonly role: "initiator" | "responder";
  readonly prologue: Uint8Array;
  /** This side's static key; stays the caller's. */
  readonly staticKey: DhKey;
  /** The responder's static key, 32 bytes; needed by the initiator, ignored otherwise. */
  readonly remoteStatic?: Uint8Array;
  /** Where an ephemeral private key (32 bytes) comes from; test vectors pass a fixed one. */
  readonly random: (length: number) => Uint8Array;
}

/** What `Split()` leaves. k1 is the initiator's sending key, k2 the responder's; 32 bytes each. */
export interface SplitKeys {
  readonly k1: Uint8Array;
  readonly k2: Uint8Array;
  readonly handshakeHash: Uint8Array;
}

/** One side of one handshake. */
export class HandshakeState {
  readonly #primitives: NoisePrimitives;
  readonly #options: HandshakeOptions;
  readonly #messages: readonly (readonly Token[])[];
  #symmetric: SymmetricState;
  #ephemeral: DhKey | null = null;
  #remoteStatic: Uint8Array | null;
  #remoteEphemeral: Uint8Array | null = null;
  #next = 0;

  /** @throws {TypeError} When an initiator does not name the responder's static key. */
  constructor(primitives: NoisePrimitives, options: HandshakeOptions) {
    const isInitiator = options.role === "initiator";
    const responderStatic = isInitiator ? options.remoteStatic : options.staticKey.publicKey;
    if (responderStatic?.length !== KEY_BYTES) {
      throw new TypeError("Expected the responder's static key of 32 bytes");
    }
    this.#primitives = primitives;
    this.#options = options;
    this.#messages = MESSAGES[options.pattern];
    this.#remoteStatic = isInitiator ? responderStatic.slice() : null;
    const name = `Noise_${options.pattern}_25519_ChaChaPoly_SHA256`;
    this.#symmetric = SymmetricState.initialize(primitives, name);
    this.#symmetric.mixHash(options.prologue);
    this.#symmetric.mixHash(responderStatic);
  }

  /** The hash of everything so far, 32 bytes; final once {@linkcode isComplete}. */
  get handshakeHash(): Uint8Array {
    return this.#symmetric.hash.slice();
  }

  /** The other side's static key, once known. */
  get remoteStatic(): Uint8Array | null {
    return this.#remoteStatic?.slice() ?? null;
  }

  get isComplete(): boolean {
    return this.#next === this.#messages.length;
  }

  /**
   * Writes this side's next message.
   * @throws {RangeError} If the message would exceed 65,535 bytes.
   * @throws {CryptoError} `handshake_failed` on an all-zero shared secret, which ends the handshake.
   */
  writeMessage(payload: Uint8Array): Uint8Array<ArrayBuffer> {
    const tokens = this.#takeTurn(true);
    if (payload.length > MAX_MESSAGE_BYTES - messageOverhead(tokens)) {
      throw new RangeError(`Expected a message of at most ${MAX_MESSAGE_BYTES} bytes`);
    }
    try {
      const message = this.#write(tokens, payload);
      this.#next++;
      return message;
    } catch (error) {
      this.wipe();
      throw error;
    }
  }

  /**
   * Reads the other side's next message. A failure changes nothing: another message may be read.
   * @returns The payload.
   * @throws {CryptoError} `handshake_failed` on a message that does not open.
   */
  readMessage(message: Uint8Array): Uint8Array<ArrayBuffer> {
    const tokens = this.#takeTurn(false);
    const state = this.#symmetric.clone();
    try {
      const { payload, remote } = this.#read(state, tokens, message);
      const left = this.#symmetric;
      this.#symmetric = state;
      left.wipe();
      this.#remoteStatic = remote.s;
      this.#remoteEphemeral = remote.e;
      this.#next++;
      return payload;
    } catch (error) {
      state.wipe();
      throw error;
    }
  }

  /**
   * Ends the handshake and wipes its state.
   * @throws {TypeError} Before the last message.
   */
  split(): SplitKeys {
    if (!this.isComplete) throw new TypeError("The handshake is not complete");
    const handshakeHash = this.handshakeHash;
    const [k1, k2] = this.#symmetric.split();
    this.wipe();
    return { k1, k2, handshakeHash };
  }

  /** A second handshake at the same point; either may go on, or be wiped, without the other. */
  clone(): HandshakeState {
    const options = this.#remoteStatic === null
      ? this.#options
      : { ...this.#options, remoteStatic: this.#remoteStatic };
    const copy = new HandshakeState(this.#primitives, options);
    copy.#symmetric.wipe();
    copy.#symmetric = this.#symmetric.clone();
    copy.#ephemeral = this.#ephemeral;
    copy.#remoteStatic = this.#remoteStatic?.slice() ?? null;
    copy.#remoteEphemeral = this.#remoteEphemeral?.slice() ?? null;
    copy.#next = this.#next;
    return copy;
  }

  /** Wipes the handshake's secrets; the caller's static key stays. */
  wipe(): void {
    this.#symmetric.wipe();
    // Only let go of: a clone may still need it.
    this.#ephemeral = null;
    this.#next = Infinity;
  }

  #takeTurn(isWriting: boolean): readonly Token[] {
    const tokens = this.#messages[this.#next];
    const isInitiatorsTurn = this.#next % 2 === 0;
    if (tokens === undefined || isInitiatorsTurn !== (isWriting === this.#isInitiator)) {
      throw new TypeError(`This side has no message to ${isWriting ? "write" : "read"} now`);
    }
    return tokens;
  }

  get #isInitiator(): boolean {
    return this.#options.role === "initiator";
  }

  #makeEphemeral(): DhKey {
    const privateKey = this.#options.random(KEY_BYTES);
    const key = DhKey.fromPrivate(privateKey);
    wipe(privateKey);
    return key;
  }

  #write(tokens: readonly Token[], payload: Uint8Array): Uint8Array<ArrayBuffer> {
    const state = this.#symmetric;
    const parts: Uint8Array[] = [];
    for (const token of tokens) {
      if (token === "e") {
        this.#ephemeral = this.#makeEphemeral();
        parts.push(this.#ephemeral.publicKey);
        state.mixHash(this.#ephemeral.publicKey);
      } else if (token === "s") {
        parts.push(state.encryptAndHash(this.#options.staticKey.publicKey));
      } else {
        this.#mixDh(state, token, { s: this.#remoteStatic, e: this.#remoteEphemeral });
      }
    }
    parts.push(state.encryptAndHash(payload));
    return concatBytes(...parts);
  }

  #read(
    state: SymmetricState,
    tokens: readonly Token[],
    message: Uint8Array,
  ): { payload: Uint8Array<ArrayBuffer>; remote: RemoteKeys } {
    if (message.length > MAX_MESSAGE_BYTES || message.length < messageOverhead(tokens)) {
      throw new CryptoError("handshake_failed", "The Noise message has a wrong length");
    }
    const remote: RemoteKeys = { s: this.#remoteStatic, e: this.#remoteEphemeral };
    let offset = 0;
    for (const token of tokens) {
      if (token === "e") {
        remote.e = message.slice(0, offset += KEY_BYTES);
        state.mixHash(remote.e);
      } else if (token === "s") {
        const end = offset + KEY_BYTES + state.overheadBytes;
        remote.s = state.decryptAndHash(message.subarray(offset, end));
        offset = end;
      } else {
        this.#mixDh(state, token, remote);
      }
    }
    return { payload: state.decryptAndHash(message.subarray(offset)), remote };
  }

  /** The first letter of a token names the initiator's key, the second the responder's. */
  #mixDh(state: SymmetricState, token: string, remote: RemoteKeys): void {
    const own = token[this.#isInitiator ? 0 : 1] === "e"
      ? this.#ephemeral
      : this.#options.staticKey;
    const other = token[this.#isInitiator ? 1 : 0] === "e" ? remote.e : remote.s;
    if (own === null || other === null) {
      throw new TypeError("The pattern needs a key not known yet");
    }
    const secret = own.dh(other);
    state.mixKey(secret);
    wipe(secret);
  }
}

/** The other side's public keys, as far as they are known. */
interface RemoteKeys {
  s: Uint8Array | null;
  e: Uint8Array | null;
}

/** Bytes of a message beyond its payload. In both patterns a key is mixed before anything is sealed. */
function messageOverhead(tokens: readonly Token[]): number {
  const tagBytes = 16;
  return KEY_BYTES + (tokens.includes("s") ? KEY_BYTES + tagBytes : 0) + tagBytes;
}
