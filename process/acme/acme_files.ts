/**
 * What a program with a certificate of ACME keeps in its data directory, readable by its owner alone.
 *
 * @module
 */
import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import type { Files } from "../../ports/ports.ts";
import { ACME_ACCOUNT_FILE, ACME_CERTIFICATE_FILE } from "../../ports/data_names.ts";
import { ProcessError } from "../process_error.ts";
import { type AccountKey, makeAccountKey, openAccountKey } from "./signing.ts";

/** The account at an authority. @throws {ProcessError} Where its file is damaged. */
export async function openAccount(
  files: Pick<Files, "read" | "write">,
  directoryUrl: string,
): Promise<AccountKey> {
  const stored = await files.read(ACME_ACCOUNT_FILE);
  if (stored !== null) {
    try {
      const { directory, key } = JSON.parse(decodeUtf8(stored) ?? "");
      // Another authority is given another key: nobody need know that both accounts are of one owner.
      if (directory === directoryUrl) return await openAccountKey(key);
    } catch (cause) {
      const text = `The file ${ACME_ACCOUNT_FILE} is damaged; remove it: another account is made`;
      throw new ProcessError(1, text, { cause });
    }
  }
  const key = await makeAccountKey();
  const text = JSON.stringify({ directory: directoryUrl, key });
  await files.write(ACME_ACCOUNT_FILE, encodeUtf8(text));
  return await openAccountKey(key);
}

/** Keeps a certificate with its key in one file, so that neither is ever there without the other. */
export async function keepCertificate(
  files: Pick<Files, "write">,
  { chain, key }: { readonly chain: string; readonly key: string },
): Promise<void> {
  await files.write(ACME_CERTIFICATE_FILE, encodeUtf8(`${chain.trimEnd()}\n${key}`));
}
