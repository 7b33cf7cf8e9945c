/**
 * A look-up as nodes write it, told without a router: it is the most frequent of all requests.
 *
 * @module
 */
import { NODES_PATH } from "../protocol/directory_api.ts";

/** Every id begins with a z. */
const LOOK_UP_START = `${NODES_PATH}/z`;

/** The path of a URL, as it stands. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.indexOf("?", start);
  return url.slice(start, end < 0 ? url.length : end);
}

/** The id that a request looks up, or what looks like one; `null` for any other request. */
export function lookUpIdOf({ method }: Pick<Request, "method">, path: string): string | null {
  if (method !== "GET" || !path.startsWith(LOOK_UP_START)) return null;
  const id = path.slice(LOOK_UP_START.length - 1);
  return /^[0-9A-Za-z]+$/.test(id) ? id : null;
}
