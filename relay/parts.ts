/**
 * What the parts of a relay share.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { CryptoCore } from "../crypto/interface.ts";
import type { ChannelUpgrader, Clock, Log, Random } from "../ports/ports.ts";
import type { RelayConfig } from "./config.ts";
import type { RelayCounts } from "./counts.ts";
import type { Paces } from "./paces.ts";
import type { Unread } from "./unread.ts";

/** Gives a file of the page of links, `""` for the page itself; `null` for another name. */
export type LinkPage = (name: string) => Promise<Response | null>;

/** Everything outside a relay. */
export interface RelayPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Pick<CryptoCore, "verifyJws">;
  readonly upgrader: ChannelUpgrader;
  readonly log: Log;
  /** `null`: it has nothing to do with links to files. */
  readonly linkPage: LinkPage | null;
  /** Whose relay it is. */
  readonly own: { readonly id: NodeId; readonly text: string };
}

export interface RelayParts extends RelayPorts {
  readonly config: RelayConfig;
  readonly counts: RelayCounts;
  readonly paces: Paces;
  readonly unread: Unread;
}
