/**
 * What a node gives to everything that deals with a directory.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore, KeyRef } from "../../crypto/interface.ts";
import type { Clock, HttpClient, Random } from "../../ports/ports.ts";
import type { RestoredMark } from "../own/restored_mark.ts";
import type { NodeEvents } from "../events/events.ts";
import type { OwnRecord } from "../own/own_record.ts";
import type { NodeStore } from "../store/store.ts";
import type { OwnSuccession } from "../own/own_succession.ts";

/** Gives the key for a directory that takes invited nodes only: 16 bytes, or `null` where there is none. */
export type KeyForDirectory = (url: string) => Promise<Uint8Array<ArrayBuffer> | null>;

export interface DirectoryLinkParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
  readonly store: NodeStore;
  readonly events: NodeEvents;
  readonly ownRecord: OwnRecord;
  readonly own: { readonly id: NodeId; readonly key: KeyRef };
  readonly succession?: OwnSuccession;
  readonly restored?: RestoredMark;
  /** Gives none for any directory if absent. */
  readonly directoryKey?: KeyForDirectory;
}
