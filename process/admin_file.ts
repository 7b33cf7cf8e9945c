/**
 * How the commands of this machine find a program that runs: a file of its data directory that only its owner can read.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import type { Files, Random } from "../ports/ports.ts";
import { ADMIN_FILE, type ServedAt } from "../protocol/admin_api.ts";

const TOKEN_BYTES = 32;

/** Makes the token that the file shows: whoever can read it has all power over the program. */
export function makeAdminToken(random: Random): string {
  return encodeBase64Url(random.bytes(TOKEN_BYTES));
}

/**
 * Has the file there while something runs.
 * @param admin `serves`: where others call it, for `doctor`, which needs not be told again.
 */
export async function withAdminFile(
  files: Pick<Files, "write" | "remove">,
  admin: { readonly url: string; readonly token: string; readonly serves?: ServedAt },
  run: () => Promise<void>,
): Promise<void> {
  const { url, token, serves } = admin;
  try {
    const content = JSON.stringify({ url, token, pid: Deno.pid, serves });
    await files.write(ADMIN_FILE, encodeUtf8(content));
    await run();
  } finally {
    await files.remove(ADMIN_FILE);
  }
}
