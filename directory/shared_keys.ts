/**
 * The keys of a directory that is several processes: sealed in the store that they share, opened by what each is given.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url } from "../crypto/encoding.ts";
import type { CryptoCore, KeystoreCost, OpenedKeystore } from "../crypto/interface.ts";
import { KEYSTORE_FILE } from "../ports/keystore_files.ts";
import { SECRET_FILE } from "../ports/node_secret.ts";
import type { Files } from "../ports/ports.ts";
import { OpenRedError } from "../protocol/errors.ts";
import type { DirectoryStore } from "./stores/store.ts";

/** The name under which the store has the keystore, as the core sealed it. */
const OWN_KEYSTORE = "keystore";

interface SharedKeyPorts {
  readonly crypto: CryptoCore;
  /** Of this process: a copy of the sealed keystore outlives a store that lost it. */
  readonly files: Files;
  readonly store: Pick<DirectoryStore, "getOwn" | "swapOwn">;
  readonly shared: {
    /** A copy of what the keystore is sealed under. */
    readonly keySecret: () => Uint8Array;
    keepOwn(name: string, value: string): void;
  };
}

/**
 * Opens the keystore of the store. It is made where neither the store nor this process has one; of several processes
 * that make one, all take the first.
 * @throws {OpenRedError} `bad_request` where this process has the keys of another directory, or keys that are its own
 *   alone.
 * @throws {CryptoError} `unseal_failed` for another secret than the keystore was sealed under.
 */
export async function openSharedKeys(
  ports: SharedKeyPorts,
  options: { readonly cost?: KeystoreCost | undefined },
): Promise<OpenedKeystore> {
  const { crypto, files, store, shared } = ports;
  if (await files.read(SECRET_FILE) !== null) {
    throw new OpenRedError(
      "bad_request",
      `The data directory has a ${SECRET_FILE}: it is that of a directory with a store of its own`,
    );
  }
  const kept = await files.read(KEYSTORE_FILE);
  if (await store.getOwn(OWN_KEYSTORE) === null) {
    const sealed = kept ?? await make(ports, options);
    await store.swapOwn(OWN_KEYSTORE, null, encodeBase64Url(sealed));
  }
  const text = await store.getOwn(OWN_KEYSTORE) ?? "";
  const sealed = decodeBase64Url(text) ?? new Uint8Array();
  const keys = await crypto.openKeystore({ sealed, secret: shared.keySecret() });
  if (kept !== null && encodeBase64Url(kept) !== text) await checkSameId(ports, { kept, keys });
  await files.write(KEYSTORE_FILE, sealed);
  shared.keepOwn(OWN_KEYSTORE, text);
  return keys;
}

async function make(
  { crypto, shared }: SharedKeyPorts,
  { cost }: { readonly cost?: KeystoreCost | undefined },
): Promise<Uint8Array> {
  const made = await crypto.createKeystore({
    secret: shared.keySecret(),
    ...(cost === undefined ? {} : { cost }),
  });
  return made.sealed;
}

async function checkSameId(
  { crypto, shared }: SharedKeyPorts,
  { kept, keys }: { readonly kept: Uint8Array; readonly keys: OpenedKeystore },
): Promise<void> {
  const former = await crypto.openKeystore({ sealed: kept, secret: shared.keySecret() });
  if (former.nodeId === keys.nodeId) return;
  throw new OpenRedError(
    "bad_request",
    `The ${KEYSTORE_FILE} of the data directory is that of ${former.nodeId}, and the store's that of ${keys.nodeId}`,
  );
}
