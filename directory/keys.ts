/**
 * The directory's keys: a sealed keystore, and the node secret that opens it. Both are made on the
 * first start.
 *
 * @module
 */
import type { OpenedKeystore } from "../crypto/interface.ts";
import type { DirectoryConfig } from "./config.ts";
import type { DirectoryPorts } from "./parts.ts";

const KEYSTORE_FILE = "keystore";
const SECRET_FILE = "node-secret";
const SECRET_BYTES = 32;

type KeyPorts = Pick<DirectoryPorts, "crypto" | "files" | "random">;

async function createSecret(ports: KeyPorts): Promise<Uint8Array> {
  const secret = ports.random.bytes(SECRET_BYTES);
  await ports.files.write(SECRET_FILE, secret);
  return secret;
}

async function createKeystore(
  ports: KeyPorts,
  options: { readonly secret: Uint8Array; readonly config: Pick<DirectoryConfig, "keystoreCost"> },
): Promise<Uint8Array> {
  const cost = options.config.keystoreCost;
  const { sealed } = await ports.crypto.createKeystore({
    secret: options.secret.slice(),
    ...(cost === undefined ? {} : { cost }),
  });
  await ports.files.write(KEYSTORE_FILE, sealed);
  return sealed;
}

/**
 * Opens the keystore, making it and its secret where there is none.
 * @throws {Error} When the keystore is there but its secret is not.
 * @throws {CryptoError} `unseal_failed` when the secret is not the keystore's.
 */
export async function openKeys(
  ports: KeyPorts,
  config: Pick<DirectoryConfig, "keystoreCost">,
): Promise<OpenedKeystore> {
  const stored = await ports.files.read(KEYSTORE_FILE);
  const found = await ports.files.read(SECRET_FILE);
  if (stored !== null && found === null) {
    throw new Error(`Cannot open the keystore: the file ${SECRET_FILE} beside it is missing`);
  }
  const secret = found ?? await createSecret(ports);
  const sealed = stored ?? await createKeystore(ports, { secret, config });
  return await ports.crypto.openKeystore({ sealed, secret });
}
