/**
 * The token that opens a program's metrics and the details of its readiness, and nothing else: a file of its data
 * directory, so that a collector can be told where it is.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8 } from "../crypto/encoding.ts";
import type { Files, Random } from "../ports/ports.ts";
import { METRICS_TOKEN_FILE } from "../ports/data_names.ts";
import { ProcessError } from "./process_error.ts";

const TOKEN_BYTES = 32;
const TOKEN = /^[A-Za-z0-9_-]{32,128}$/;

/**
 * Reads the token, and makes one where there is none.
 * @throws {ProcessError} For a file that holds none: it would open nothing, or open to anybody.
 */
export async function readMetricsToken(
  files: Pick<Files, "read" | "write">,
  random: Random,
): Promise<string> {
  const content = await files.read(METRICS_TOKEN_FILE);
  if (content === null) {
    const token = encodeBase64Url(random.bytes(TOKEN_BYTES));
    await files.write(METRICS_TOKEN_FILE, encodeUtf8(`${token}\n`));
    return token;
  }
  const token = new TextDecoder().decode(content).trim();
  if (TOKEN.test(token)) return token;
  throw new ProcessError(
    1,
    `The file ${METRICS_TOKEN_FILE} in the data directory holds no token: expected 32 to 128 of A-Z a-z 0-9 _ -; remove it, and a new one is made`,
  );
}
