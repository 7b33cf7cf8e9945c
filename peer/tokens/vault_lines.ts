/**
 * Which line of a vault file says what of a pair: the standby pairs of one handshake share a line as long as nothing was
 * done with them; every other pair has its own. Where a pair is in both, its own line counts.
 *
 * @module
 * @see docs/PROTOCOL.md, "Token vault"
 */
import { Buffer } from "node:buffer";
import type { NodeId } from "../../crypto/encoding.ts";
import type {
  HalfInfo,
  KeyRef,
  OpenedLine,
  StoredHalf,
  VaultLineContent,
} from "../../crypto/interface.ts";
import type { PairEntry, StandbySet } from "./pair_entry.ts";

const NAME = /^NODE_(.+)_(TOKENS?)_([0-9a-f]{32})$/;
const SESSION_ID = /^[0-9a-f]{32}$/;

/** What the line of one pair says besides the half. Once that is gone it is all that is left, and includes `info`. */
type Meta = Omit<PairEntry, "half" | "info" | "peer" | "pairId"> & {
  readonly info?: Record<string, unknown>;
};

/** What the line of a set says besides the halves; the session stands in its name. */
interface SetMeta extends Pick<StandbySet, "role" | "confirmedAt"> {
  readonly endsAt: number;
}

/** The name of a pair's own line. */
export function nameOf(entry: Pick<PairEntry, "peer" | "pairId">): string {
  return `NODE_${entry.peer}_TOKEN_${entry.pairId}`;
}

/** The name of the line that a pair may share, or `null` where it needs its own. */
export function sharedNameOf(entry: PairEntry): string | null {
  const { half, standby, peer, info } = entry;
  const isAsMade = half !== null && entry.taken.length === 0 && entry.session === null &&
    entry.envelope === null && entry.revokedAt === undefined;
  if (!isAsMade || standby === null || info.issuer !== "peer") return null;
  return SESSION_ID.test(standby.sessionId) ? `NODE_${peer}_TOKENS_${standby.sessionId}` : null;
}

/** Whether two pairs of one set say the same of it. */
export function saysTheSame(one: PairEntry, other: PairEntry): boolean {
  return one.endsAt === other.endsAt && one.info.issuedAt === other.info.issuedAt &&
    one.standby?.role === other.standby?.role &&
    one.standby?.confirmedAt === other.standby?.confirmedAt;
}

/** What a pair's own line is to hold. */
export function ownLine(entry: PairEntry): VaultLineContent {
  // A half holds its own `info`; whose pair it is, and which, stands in the name.
  const { half, info, peer: _peer, pairId: _pairId, ...rest } = entry;
  const name = nameOf(entry);
  if (half !== null) return { name, half, meta: JSON.stringify(rest) };
  const note: Meta = { ...rest, info: { ...info, pairId: undefined } };
  return { name, meta: JSON.stringify(note) };
}

/** What the line of a set is to hold. */
export function sharedLine(name: string, entries: readonly PairEntry[]): VaultLineContent {
  const [{ endsAt, standby }] = entries as [PairEntry];
  const { role, confirmedAt } = standby!;
  const meta: SetMeta = { endsAt, role, confirmedAt };
  const set = entries.map(({ half, index }) => ({ half: half!, index }));
  return { name, set, meta: JSON.stringify(meta) };
}

/** The pairs that a line says something of. The name is sealed with what it names: this node has written it so. */
export function entriesOf(name: string, { halves, meta: text }: OpenedLine): PairEntry[] {
  const [, peer = "", kind, id = ""] = NAME.exec(name) ?? [];
  if (kind === "TOKENS") {
    const meta: SetMeta = JSON.parse(text);
    return halves.map((stored) => entryOfSet(stored, { peer: peer as NodeId, id, meta }));
  }
  const meta: Meta = JSON.parse(text);
  const [stored] = halves;
  const { half, info }: { half: KeyRef | null; info: HalfInfo } = stored ??
    { half: null, info: infoOfNote(meta, id) };
  return [{ ...meta, peer: peer as NodeId, pairId: id, half, info }];
}

function entryOfSet(
  { half, info, index }: StoredHalf & { readonly index: number | null },
  of: { readonly peer: NodeId; readonly id: string; readonly meta: SetMeta },
): PairEntry {
  const { endsAt, role, confirmedAt } = of.meta;
  return {
    pairId: Buffer.from(info.pairId).toString("hex"),
    peer: of.peer,
    half,
    info,
    endsAt,
    index: index ?? 0,
    standby: { sessionId: of.id, role, confirmedAt },
    taken: [],
    envelope: null,
    session: null,
  };
}

function infoOfNote({ info }: Meta, pairId: string): HalfInfo {
  return { ...info, pairId: new Uint8Array(Buffer.from(pairId, "hex")) } as unknown as HalfInfo;
}
