/**
 * The keys of a directory or a node on disk: a sealed keystore, and the 0600 file of the secret that opens it.
 *
 * @module
 */
import type { CryptoCore, KeystoreCost, OpenedKeystore } from "../crypto/interface.ts";
import { OpenRedError } from "../protocol/errors.ts";
import {
  createNodeSecret,
  newSecret,
  readNodeSecret,
  removeLeftOver,
  sealSecretFile,
  SECRET_FILE,
  type StoredSecret,
} from "./node_secret.ts";
import type { Files, Random } from "./ports.ts";

/** The name of the sealed keystore in its data directory. */
export const KEYSTORE_FILE = "keystore";

interface KeystorePorts {
  readonly crypto: CryptoCore;
  readonly files: Files;
  readonly random: Random;
}

/** What opening takes. */
export interface KeystoreOptions {
  /** What Argon2id is to cost for a new keystore; the core's default if absent. */
  readonly cost?: KeystoreCost | undefined;
  /** Opens the node secret where that is sealed under one; wiped. */
  readonly passphrase?: Uint8Array | undefined;
}

/**
 * Opens the keystore, or makes it on the first start, under the passphrase where one is given. The secret is written
 * first: a keystore never lies there without what opens it, and a secret without a keystore is of a making that was
 * interrupted. A keystore of the form that had no storage root gets one, atomically: killed in between, the former one is
 * whole, and the root that is lost has sealed nothing. Whether an earlier life had a keystore is the caller's to know.
 * @throws {CryptoError} `unseal_failed` for a wrong passphrase, or a keystore that the secret does not open.
 * @throws {OpenRedError} `unauthorized` where a passphrase is needed and none was given; `not_found` where the keystore
 *   is there and its secret is not, or the other way round and the secret is sealed.
 * @throws {RangeError} For a secret of no known form.
 */
export async function openKeystoreFiles(
  ports: KeystorePorts,
  options: KeystoreOptions = {},
): Promise<OpenedKeystore> {
  try {
    return await open(ports, options);
  } finally {
    options.passphrase?.fill(0);
  }
}

async function open(ports: KeystorePorts, options: KeystoreOptions): Promise<OpenedKeystore> {
  const { files } = ports;
  const { passphrase, cost } = options;
  const stored = await files.read(KEYSTORE_FILE);
  if (stored === null && passphrase !== undefined) {
    await makeSealed(ports, { passphrase: passphrase.slice(), cost });
    return await open(ports, options);
  }
  const found = await readNodeSecret(files);
  if (stored === null && found?.kind !== "sealed") {
    const secret = found?.secret ?? await createNodeSecret(ports);
    const sealed = await createKeystore(ports, { secret, cost });
    return await openSealed(ports, { sealed, secret });
  }
  if (stored === null || found === null) throw missing(stored === null ? "keystore" : SECRET_FILE);
  return await openSealed(ports, { sealed: stored, ...await opener(files, found, options) });
}

/** Has the core let go of all that was opened with a keystore. */
export async function releaseKeys(
  crypto: Pick<CryptoCore, "releaseAll">,
  { keystore, identity, vault, audit, storage, noiseKeys }: OpenedKeystore,
): Promise<void> {
  const all = [keystore, identity, vault, audit, storage, ...noiseKeys.map(({ key }) => key)];
  await crypto.releaseAll(all);
}

/** Opens a keystore. One of the former form is replaced on disk before anybody can use what it gained. */
async function openSealed(
  { crypto, files }: KeystorePorts,
  options: { sealed: Uint8Array; secret: Uint8Array; sealedSecret?: Uint8Array },
): Promise<OpenedKeystore> {
  const opened = await crypto.openKeystore(options);
  if (opened.resealed !== null) await files.write(KEYSTORE_FILE, opened.resealed);
  return opened;
}

async function opener(
  files: Files,
  found: StoredSecret,
  options: KeystoreOptions,
): Promise<{ secret: Uint8Array; sealedSecret?: Uint8Array }> {
  if (found.kind === "plain") return { secret: found.secret };
  await removeLeftOver(files);
  if (options.passphrase === undefined) {
    throw new OpenRedError("unauthorized", "The keys are under a passphrase, and none was given");
  }
  return { secret: options.passphrase, sealedSecret: found.sealed };
}

/**
 * Makes keys that are under a passphrase, which is wiped, from the first write on. A secret that is there already is of
 * a making that was interrupted, and is used.
 * @throws {CryptoError} `unseal_failed` where that secret is under another passphrase.
 */
async function makeSealed(
  ports: KeystorePorts,
  options: { readonly passphrase: Uint8Array; readonly cost?: KeystoreCost | undefined },
): Promise<void> {
  const { crypto, files } = ports;
  const { passphrase, cost } = options;
  const found = await readNodeSecret(files);
  const secret = found === null
    ? newSecret(ports.random)
    : found.kind === "plain"
    ? found.secret
    : await crypto.openSecret({ sealed: found.sealed, passphrase: passphrase.slice() });
  try {
    if (found?.kind !== "sealed") {
      const copies = { secret: secret.slice(), passphrase: passphrase.slice() };
      await sealSecretFile(ports, { ...copies, cost });
    }
    await createKeystore(ports, { secret, cost });
  } finally {
    secret.fill(0);
    passphrase.fill(0);
  }
}

function missing(name: string): OpenRedError {
  return new OpenRedError(
    "not_found",
    `Cannot open the keystore: the file ${name} is missing; restore keystore and ${SECRET_FILE} from one backup`,
  );
}

async function createKeystore(
  ports: { crypto: CryptoCore; files: Files },
  options: { secret: Uint8Array; cost: KeystoreCost | undefined },
): Promise<Uint8Array> {
  const { sealed } = await ports.crypto.createKeystore({
    secret: options.secret.slice(),
    ...(options.cost === undefined ? {} : { cost: options.cost }),
  });
  await ports.files.write(KEYSTORE_FILE, sealed);
  return sealed;
}
