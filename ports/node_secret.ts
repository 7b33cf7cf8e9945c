/**
 * The node secret on disk, under which a keystore and a token vault are sealed: 32 bytes in a 0600 file, or the same
 * bytes sealed under a passphrase, with the parameters of Argon2id in front. Every change of that is one atomic write
 * of this one small file: what the secret seals stays as it is, and whoever is killed on the way leaves the one state
 * or the other.
 *
 * @module
 */
import { encodeUtf8 } from "../crypto/encoding.ts";
import type { CryptoCore, KeystoreCost } from "../crypto/interface.ts";
import { OpenRedError } from "../protocol/errors.ts";
import type { Files, Random } from "./ports.ts";

/** The file's name in its data directory. */
export const SECRET_FILE = "node-secret";
const SECRET_BYTES = 32;
/** How a sealed secret begins: crypto/at_rest/sealed_secret.ts. */
const SEALED_MAGIC = encodeUtf8("ORSECR01");

/** What stands in the file. */
export type StoredSecret =
  | { readonly kind: "plain"; readonly secret: Uint8Array<ArrayBuffer> }
  | { readonly kind: "sealed"; readonly sealed: Uint8Array<ArrayBuffer> };

interface SecretPorts {
  readonly crypto: CryptoCore;
  readonly files: Files;
}

/**
 * Reads the file; `null` where there is none.
 * @throws {RangeError} When what stands there is neither form.
 */
export async function readNodeSecret(files: Files): Promise<StoredSecret | null> {
  const content = await files.read(SECRET_FILE);
  if (content === null) return null;
  if (content.length === SECRET_BYTES) return { kind: "plain", secret: content };
  if (SEALED_MAGIC.every((byte, at) => content[at] === byte)) {
    return { kind: "sealed", sealed: content };
  }
  throw new RangeError(
    `Cannot read the file ${SECRET_FILE}: it is damaged; restore it from a backup`,
  );
}

/** Makes a secret that is nowhere yet. */
export function newSecret(random: Random): Uint8Array<ArrayBuffer> {
  return random.bytes(SECRET_BYTES);
}

/** Makes a secret and writes it, without a passphrase. */
export async function createNodeSecret(
  ports: { files: Files; random: Random },
): Promise<Uint8Array<ArrayBuffer>> {
  const secret = newSecret(ports.random);
  await ports.files.write(SECRET_FILE, secret);
  return secret;
}

/**
 * Puts a passphrase on the secret. It is wiped.
 * @throws {OpenRedError} `bad_request` where there is one already, `not_found` without a secret.
 */
export async function setPassphrase(
  { crypto, files }: SecretPorts,
  options: { passphrase: Uint8Array; cost?: KeystoreCost | undefined },
): Promise<void> {
  const stored = await existing(files);
  if (stored.kind === "sealed") {
    throw new OpenRedError("bad_request", "There is a passphrase already; change it instead");
  }
  await sealSecretFile({ crypto, files }, { secret: stored.secret, ...options });
}

/** Writes a secret under a passphrase. Both are wiped. */
export async function sealSecretFile(
  { crypto, files }: SecretPorts,
  options: { secret: Uint8Array; passphrase: Uint8Array; cost?: KeystoreCost | undefined },
): Promise<void> {
  const { secret, passphrase, cost } = options;
  const sealed = await crypto.sealSecret({
    secret,
    passphrase,
    ...(cost === undefined ? {} : { cost }),
  });
  await replace(files, sealed);
}

/**
 * Puts another passphrase in the place of one. Both are wiped.
 * @throws {OpenRedError} `bad_request` without a passphrase, `not_found` without a secret.
 * @throws {CryptoError} `unseal_failed` for a wrong passphrase; nothing was changed.
 */
export async function changePassphrase(
  { crypto, files }: SecretPorts,
  options: {
    passphrase: Uint8Array;
    newPassphrase: Uint8Array;
    cost?: KeystoreCost | undefined;
  },
): Promise<void> {
  const sealed = await existingSealed(files);
  const { passphrase, newPassphrase, cost } = options;
  const resealed = await crypto.resealSecret({
    sealed,
    passphrase,
    newPassphrase,
    ...(cost === undefined ? {} : { cost }),
  });
  await replace(files, resealed);
}

/**
 * Takes the passphrase off: the secret is in the file as it is again. The passphrase is wiped.
 * @throws As {@linkcode changePassphrase}.
 */
export async function removePassphrase(
  { crypto, files }: SecretPorts,
  options: { passphrase: Uint8Array },
): Promise<void> {
  const sealed = await existingSealed(files);
  const secret = await crypto.openSecret({ sealed, ...options });
  try {
    await replace(files, secret);
  } finally {
    secret.fill(0);
  }
}

async function existing(files: Files): Promise<StoredSecret> {
  const stored = await readNodeSecret(files);
  if (stored !== null) return stored;
  throw new OpenRedError("not_found", "There is no node secret; start the node once first");
}

async function existingSealed(files: Files): Promise<Uint8Array<ArrayBuffer>> {
  const stored = await existing(files);
  if (stored.kind === "sealed") return stored.sealed;
  throw new OpenRedError("bad_request", "There is no passphrase; set one first");
}

async function replace(files: Files, content: Uint8Array): Promise<void> {
  await removeLeftOver(files);
  await files.write(SECRET_FILE, content);
}

/** What a write that was killed before its rename left behind may hold the secret without its passphrase. */
export async function removeLeftOver(files: Files, of: string = SECRET_FILE): Promise<void> {
  const name = `.${of}.tmp`;
  const found = await files.list(name);
  if (found.length > 0) await files.remove(name);
}

/**
 * Refuses a passphrase that somebody gave for keys that lie there without one, and would think protected.
 * @throws {OpenRedError} `bad_request`.
 */
export async function refuseIdlePassphrase(files: Files): Promise<void> {
  const stored = await readNodeSecret(files);
  if (stored?.kind !== "plain") return;
  stored.secret.fill(0);
  throw new OpenRedError(
    "bad_request",
    "The node's keys have no passphrase: leave it out, or put it on them first with 'openred-node passphrase set'",
  );
}
