/**
 * The crypto core in the caller's thread.
 *
 * @module
 */
// The default of a core that is given no source of its own: the Worker has no ports to be passed.
// deno-lint-ignore openred/explicit-ports
import { randomFillSync } from "node:crypto";
import { createAeads } from "./primitives/aead.ts";
import { createAuditCalls } from "./at_rest/audit_lines.ts";
import { createBackupCalls } from "./at_rest/backup_stream.ts";
import {
  type CallArgument,
  type CallName,
  type CallResult,
  type CallTable,
  takesSecrets,
  wipeSecrets,
} from "./bridge/calls.ts";
import { CallingCore } from "./bridge/calling_core.ts";
import { checkByteArray, checkText, toCryptoError } from "./primitives/checks.ts";
import type { CoreParts, RandomBytes, Stretch } from "./keyring/core_parts.ts";
import { Verifier } from "./primitives/curves.ts";
import { createEnvelopeCalls } from "./pairs/envelope.ts";
import { createHandshakeCalls } from "./handshake/handshake.ts";
import { Hashes } from "./primitives/hashes.ts";
import { type AskPermutation, Permutations } from "./primitives/permutations.ts";
import { CryptoError } from "./interface.ts";
import { signJws } from "./primitives/jws.ts";
import { IdentityKey, Keyring } from "./keyring/keyring.ts";
import { createKeystoreCalls } from "./at_rest/keystore_calls.ts";
import { createKem, createNobleKem, type Kem } from "./primitives/mlkem.ts";
import { selectCryptoMethod } from "./pairs/rotation.ts";
import { createSecretCalls } from "./at_rest/sealed_secret.ts";
import { Stretching } from "./primitives/stretching.ts";
import { createSuccessorCalls } from "./at_rest/successor.ts";
import { createPasswordCalls } from "./at_rest/passwords.ts";
import { createRowCalls } from "./at_rest/module_rows.ts";
import { createSessionCalls } from "./session/session_cipher.ts";
import { createVaultCalls } from "./at_rest/vault_seal.ts";
import { VerifiedJws } from "./keyring/verified_jws.ts";

const MAX_PAYLOAD_LENGTH = 2 ** 15;

/** What a core may be given instead of the runtime's own. */
export interface LocalCryptoCoreOptions {
  /**
   * Where all randomness comes from. With it, and without a `kem`, ML-KEM runs in JavaScript on the
   * same source, so that the core is deterministic and waits for nothing but promise jobs.
   */
  readonly random?: RandomBytes;
  readonly kem?: Kem;
  /**
   * What stretches the secret of a keystore; Argon2id unless given. Argon2id waits for the runtime
   * to start WebAssembly, which a virtual clock cannot see.
   */
  readonly stretch?: Stretch;
  /** Whom to ask for blocks of modules' methods; what was lent to this core unless given. */
  readonly permute?: AskPermutation;
  /** Called when stretching a secret has left much memory to nobody. */
  readonly onGarbage?: () => void;
}

function systemRandom(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

function createPlainCalls(
  { hashes, ring, permutations }: CoreParts,
): Pick<
  CallTable,
  | "sha256"
  | "selectMethod"
  | "signJws"
  | "release"
  | "releaseAll"
  | "admitMethod"
  | "dismissMethod"
> {
  return {
    sha256: (data) => {
      checkByteArray(data, "data");
      return hashes.sha256(data);
    },
    selectMethod: (options) => {
      if (options.policy.kind === "seeded") checkByteArray(options.policy.seed, "a network seed");
      return selectCryptoMethod(hashes, options);
    },
    signJws: ({ key, typ, payload }) => {
      const identity = ring.get(key, IdentityKey);
      checkText(payload, MAX_PAYLOAD_LENGTH, "a payload");
      return signJws({ key: identity.key, typ, payload });
    },
    release: (key) => ring.release(key),
    releaseAll: (keys) => {
      for (const key of keys) ring.release(key);
    },
    admitMethod: ({ name }) => permutations.admit(name),
    dismissMethod: ({ name }) => permutations.remove(name),
  };
}

function createCallTable(parts: CoreParts): CallTable {
  const verifier = new Verifier();
  const verified = new VerifiedJws((publicKey, message, signature) =>
    verifier.verify(publicKey, message, signature)
  );
  return {
    ...createPlainCalls(parts),
    verifyJws: (options) => verified.verify(options),
    ...createKeystoreCalls(parts),
    ...createSecretCalls(parts),
    ...createSuccessorCalls(parts),
    ...createBackupCalls(parts),
    ...createEnvelopeCalls(parts),
    ...createVaultCalls(parts),
    ...createAuditCalls(parts),
    ...createRowCalls(parts),
    ...createPasswordCalls(parts),
    ...createHandshakeCalls(parts),
    ...createSessionCalls(parts),
    stop: () => {
      parts.ring.close();
      verified.clear();
      parts.hashes.scrub();
    },
  };
}

/**
 * The crypto core in the caller's thread. Whoever calls it holds what it gives out: a handle stays
 * until it is released, a session or half as well.
 */
export class LocalCryptoCore extends CallingCore {
  readonly #table: CallTable;
  #isStopped = false;

  private constructor(parts: Omit<CoreParts, "permutations">, permute?: AskPermutation) {
    super();
    const ask: AskPermutation = permute ?? ((request) => this.methods.permute(request));
    const permutations = new Permutations(ask, parts.random);
    this.#table = createCallTable({ ...parts, permutations });
  }

  static async create(options: LocalCryptoCoreOptions = {}): Promise<LocalCryptoCore> {
    const random = options.random ?? systemRandom;
    const kem = options.kem ??
      (options.random === undefined ? createKem(random) : createNobleKem(random));
    const hashes = await Hashes.create();
    const aeads = createAeads();
    const stretching = new Stretching(options.onGarbage ?? (() => {}));
    const parts = {
      hashes,
      aeads,
      noise: { hashes, chacha20Poly1305: aeads.chacha20Poly1305 },
      kem,
      random,
      stretch: options.stretch ?? stretching.stretch,
      stretchedMs: () => stretching.spentMs,
      ring: new Keyring(),
    };
    return new LocalCryptoCore(parts, options.permute);
  }

  /**
   * Runs a call by its name, at once where it can, and wipes what its argument has of secrets.
   * @throws What the call throws; {@linkcode CryptoError} `core_failed` once stopped.
   */
  run<N extends CallName>(
    name: N,
    argument: CallArgument<N>,
  ): CallResult<N> | Promise<CallResult<N>> {
    let result: CallResult<N> | Promise<CallResult<N>> | null = null;
    try {
      if (this.#isStopped) throw new CryptoError("core_failed", "The crypto core was stopped");
      if (name === "stop") this.#isStopped = true;
      result = this.#table[name](argument);
    } finally {
      if (!(result instanceof Promise)) wipeSecrets(name, argument);
    }
    if (!(result instanceof Promise) || !takesSecrets(name)) return result;
    return result.finally(() => wipeSecrets(name, argument));
  }

  protected override async call<N extends CallName>(
    name: N,
    argument: CallArgument<N>,
  ): Promise<CallResult<N>> {
    try {
      return await this.run(name, argument);
    } catch (error) {
      throw toCryptoError(error);
    }
  }
}
