/**
 * What a peer's owner has shown for one download of a share.
 *
 * @module
 */
import type { FactorLevel } from "../../protocol/factor_level.ts";
import type { NodeId } from "../api.ts";
import type { Held } from "./records.ts";

/** Also for downloads that go on after a restart. */
const GOOD_MS = 86_400_000;

export interface ShownFactor {
  readonly download: string;
  /** Who showed it: whoever follows this peer shows its own. */
  readonly peer: NodeId;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What a share requires, and has seen. */
export interface Requiring {
  /** Absent where nothing has to be shown. */
  readonly require?: FactorLevel;
  /** The newest last. */
  readonly shown?: readonly ShownFactor[];
}

/** Whether a download may be given. @param download Any, unless it says which one. */
export function isShown(
  { peer, value: { require, shown = [] } }: Held<Requiring>,
  { download, nowMs }: { readonly download?: string; readonly nowMs: number },
): boolean {
  if (require === undefined) return true;
  return shown.some((one) =>
    one.peer === peer && isGood(one, nowMs) &&
    (download === undefined || one.download === download)
  );
}

/** A clock that went back makes nothing good for longer. */
function isGood({ at }: ShownFactor, nowMs: number): boolean {
  return at <= nowMs && nowMs < at + GOOD_MS;
}
