/**
 * Where in the console somebody is: behind `#`, so that nothing of it reaches the node.
 *
 * @module
 */
import { signal } from "@preact/signals";

export interface Place {
  readonly page: string;
  /** What the page shows, or an empty text. */
  readonly item: string;
}

export interface PageOptions {
  /** What the page shows of its kind, or an empty text. */
  readonly item: string;
}

/** Reads what stands behind `#/`. */
function readPlace(hash: string): Place {
  const [page = "", item = ""] = hash.replace(/^#\/?/, "").split("/");
  try {
    return { page: page === "" ? "start" : page, item: decodeURIComponent(item) };
  } catch {
    return { page: "start", item: "" };
  }
}

export const place = signal<Place>(readPlace(location.hash));

/** The address of a page. */
export function placeLink(page: string, item = ""): string {
  return item === "" ? `#/${page}` : `#/${page}/${encodeURIComponent(item)}`;
}

export function go(page: string, item = ""): void {
  location.hash = placeLink(page, item);
}

/** Follows the address from now on. */
export function followPlace(): void {
  addEventListener("hashchange", () => {
    place.value = readPlace(location.hash);
  });
}
