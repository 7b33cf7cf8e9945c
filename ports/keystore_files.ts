/**
 * The keys of a directory or a node on disk: a sealed keystore, and the 0600 file of the secret that opens it.
 *
 * @module
 */
import type { CryptoCore, KeystoreCost, OpenedKeystore } from "../crypto/interface.ts";
import type { Files, Random } from "./ports.ts";

const SECRET_FILE = "node-secret";
const KEYSTORE_FILE = "keystore";
const SECRET_BYTES = 32;

/**
 * Opens the keystore, or makes it on the first start. The secret is written first: a keystore never lies there
 * without what opens it.
 * @param cost What Argon2id is to cost for a new keystore; the core's default if absent.
 * @throws {CryptoError} `unseal_failed` for a keystore that the secret does not open.
 * @throws {RangeError} When the keystore is there but its secret is not.
 */
export async function openKeystoreFiles(
  ports: { crypto: CryptoCore; files: Files; random: Random },
  cost?: KeystoreCost,
): Promise<OpenedKeystore> {
  const { crypto, files } = ports;
  const stored = await files.read(KEYSTORE_FILE);
  const found = await files.read(SECRET_FILE);
  if (stored !== null && found?.length !== SECRET_BYTES) {
    throw new RangeError(
      `Cannot open the keystore: the file ${SECRET_FILE} of ${SECRET_BYTES} bytes beside it is missing; ` +
        "restore both from one backup",
    );
  }
  const secret = found?.length === SECRET_BYTES ? found : await createSecret(ports);
  const sealed = stored ?? await createKeystore(ports, { secret, cost });
  return await crypto.openKeystore({ sealed, secret });
}

async function createSecret(
  ports: { files: Files; random: Random },
): Promise<Uint8Array<ArrayBuffer>> {
  const secret = ports.random.bytes(SECRET_BYTES);
  await ports.files.write(SECRET_FILE, secret);
  return secret;
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
