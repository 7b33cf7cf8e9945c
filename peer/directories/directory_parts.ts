/**
 * What a node gives to everything that deals with a directory.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore, KeyRef } from "../../crypto/interface.ts";
import type { Clock, HttpClient, Random } from "../../ports/ports.ts";
import type { RestoredMark } from "../backup/restored_mark.ts";
import type { NodeEvents } from "../events.ts";
import type { OwnRecord } from "../own_record.ts";
import type { NodeStore } from "../store.ts";
import type { OwnSuccession } from "../succession/own_succession.ts";

export interface DirectoryParts {
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
}
