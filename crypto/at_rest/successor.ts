/**
 * The key that follows an identity: made from the 32 bytes of a recovery phrase, which no keystore holds.
 *
 * @module
 * @see docs/PROTOCOL.md, "Succession"
 */
import { wipe } from "../primitives/bytes.ts";
import type { CallTable } from "../bridge/calls.ts";
import { checkBytes } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { SigningKey } from "../primitives/curves.ts";
import { HeldKeystore } from "./held_keystore.ts";
import { deriveKey, sealKeystore, type StorageRoot } from "./keystore.ts";
import { IdentityKey } from "../keyring/keyring.ts";
import { sealSecret, SECRET_BYTES } from "./sealed_secret.ts";
import { wipeRoots, withFreshRoot } from "./storage_roots.ts";

const PHRASE_BYTES = 32;
const LABEL = "openred/v3/successor";

type SuccessorCalls = Pick<CallTable, "createSuccessor" | "openSuccessor" | "succeedKeystore">;

/** An identity of which the seed is kept, so that it can go into a keystore. */
class SuccessorKey extends IdentityKey {
  readonly seed: Uint8Array;

  /** @param seed 32 bytes, this object's from here on. */
  constructor(seed: Uint8Array) {
    super(SigningKey.fromSeed(seed));
    this.seed = seed;
  }

  override wipe(): void {
    super.wipe();
    wipe(this.seed);
  }
}

function derive(parts: CoreParts, phrase: Uint8Array): SuccessorKey {
  checkBytes(phrase, PHRASE_BYTES, "a recovery phrase");
  return new SuccessorKey(deriveKey(parts.hashes, phrase, LABEL));
}

function createSuccessor(parts: CoreParts): { phrase: Uint8Array; next: Uint8Array } {
  const phrase = parts.random(PHRASE_BYTES);
  const successor = derive(parts, phrase);
  const next = parts.hashes.sha256(successor.key.publicKey);
  successor.wipe();
  return { phrase, next };
}

async function succeedKeystore(
  parts: CoreParts,
  options: Parameters<CallTable["succeedKeystore"]>[0],
): Promise<{ sealed: Uint8Array; secret: Uint8Array }> {
  const { passphrase, cost, former } = options;
  const noiseKey = parts.random(32);
  // Whoever copied the former keystore has its secret as well: the successor's opens with another one.
  const secret = parts.random(SECRET_BYTES);
  let storage: StorageRoot[] = [];
  try {
    const { seed } = parts.ring.get(options.successor, SuccessorKey);
    const roots = former === undefined ? [] : parts.ring.get(former, HeldKeystore).storage;
    storage = withFreshRoot(parts.random, roots);
    const content = { seed, noiseKeys: [noiseKey], storage };
    const sealed = await sealKeystore(parts, { content, secret, cost });
    if (passphrase === undefined) return { sealed, secret: secret.slice() };
    return { sealed, secret: await sealSecret(parts, { secret, passphrase, cost }) };
  } finally {
    wipe(secret, noiseKey);
    wipeRoots(storage);
  }
}

export function createSuccessorCalls(parts: CoreParts): SuccessorCalls {
  return {
    createSuccessor: () => createSuccessor(parts),
    openSuccessor: ({ phrase }) => {
      const successor = derive(parts, phrase);
      const { nodeId } = successor;
      const next = parts.hashes.sha256(successor.key.publicKey);
      return { key: parts.ring.add(successor), nodeId, next };
    },
    succeedKeystore: (options) => succeedKeystore(parts, options),
  };
}
