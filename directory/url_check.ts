/**
 * The URL policy as this directory's operator set it.
 *
 * @module
 */
import { hasCode } from "../protocol/errors.ts";
import { CALL_TIMEOUT_MS } from "../protocol/limits.ts";
import { checkUrl, checkUrlText } from "../protocol/url_policy.ts";
import type { DirectoryParts } from "./parts.ts";

/**
 * Checks a URL as it is written, without resolving its host.
 * @throws {OpenRedError} `url_refused`.
 */
export function checkApiUrlText(parts: Pick<DirectoryParts, "config">, apiUrl: string): void {
  checkUrlText(apiUrl, { allowPrivate: parts.config.allowPrivate });
}

/**
 * Checks a URL that a stranger wrote, and what its host resolves to now. A host that does not
 * resolve is not refused here: a call to it fails.
 * @throws {OpenRedError} `url_refused`.
 */
export async function checkApiUrl(
  parts: Pick<DirectoryParts, "clock" | "config" | "resolver">,
  apiUrl: string,
): Promise<void> {
  const { allowPrivate } = parts.config;
  if (checkUrlText(apiUrl, { allowPrivate }).isAddress || allowPrivate) return;
  const controller = new AbortController();
  const cancel = parts.clock.setTimer(CALL_TIMEOUT_MS, () => controller.abort());
  try {
    const { signal } = controller;
    await checkUrl(apiUrl, { allowPrivate, resolver: parts.resolver, signal });
  } catch (error) {
    if (!controller.signal.aborted && !hasCode(error, "unreachable")) throw error;
  } finally {
    cancel();
  }
}
