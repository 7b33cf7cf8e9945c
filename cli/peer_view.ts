/**
 * How peers and groups are shown to people.
 *
 * @module
 */
import type { GroupView, PeerDetail, PeerTrouble, PeerWay } from "../protocol/admin_api.ts";
import type { Cell, Output } from "./output.ts";
import { idCell, showDuration } from "./output.ts";

/** The name that this node's owner gave a peer, or a dash. What a peer calls itself is never shown as this. */
export function nameCell(petname: string | null | undefined): Cell {
  return petname == null ? { text: "–" } : { text: petname, style: "bold" };
}

/** What a peer calls itself, in quotation marks: a claim that anybody can make. */
export function claimCell(alias: string | null): Cell {
  return alias === null ? { text: "–" } : { text: `“${alias}”`, style: "dim" };
}

/** A peer by the name that this node's owner gave it, or by its id. */
export function peerCell(peer: string, petname: string | null | undefined): Cell {
  return petname == null ? idCell(peer) : { text: petname, style: "bold" };
}

/** By which URL a peer is called, and whether that is around its relay. */
export function wayCell(
  { way, api_url }: { readonly way?: PeerWay | null; readonly api_url: string | null },
): Cell {
  if (way == null) return { text: api_url ?? "–" };
  return way.kind === "url" ? { text: way.url } : { text: `${way.kind}: ${way.url}` };
}

/** Why there is no session with a peer, since when, and when it is tried again. */
export function showTrouble(
  out: Output,
  { text, since, next_try_in_ms: next }: PeerTrouble,
): string {
  const again = next === null ? "" : `, next try in ${showDuration(next)}`;
  return `${text} (since ${out.instant(since)}${again})`;
}

function stateCell(peer: PeerDetail): Cell {
  if (peer.blocked_since !== null) return { text: "blocked", style: "red" };
  if (peer.sessions > 0) return { text: "connected", style: "green" };
  if (peer.invited) return { text: "invitation waits", style: "yellow" };
  return peer.known ? { text: "known" } : { text: "stranger", style: "yellow" };
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "–" : names.join(", ");
}

export async function printPeers(out: Output, peers: readonly PeerDetail[]): Promise<void> {
  if (peers.length === 0) return await out.line("No peers");
  const rows = peers.map((peer) => [
    nameCell(peer.petname),
    claimCell(peer.alias),
    idCell(peer.node_id),
    stateCell(peer),
    { text: list(peer.permissions) },
    { text: list(peer.groups) },
  ]);
  await out.table(["NAME", "CLAIMS TO BE", "NODE", "STATE", "MAY", "GROUPS"], rows);
}

export async function printPeer(out: Output, peer: PeerDetail): Promise<void> {
  const { blocked_since: since, last_error: trouble } = peer;
  await out.pairs([
    ["Name", nameCell(peer.petname)],
    ["Node", { text: peer.node_id, style: "bold" }],
    ["Claims to be", claimCell(peer.alias)],
    ["State", stateCell(peer)],
    ...(since === null ? [] : [["Blocked since", out.instant(since)] as const]),
    ["May", list(peer.permissions)],
    ["Allowed", list(peer.allowed)],
    ["Denied", list(peer.denied)],
    ["Groups", list(peer.groups)],
    ["URL", peer.api_url ?? "–"],
    ...(peer.way == null
      ? []
      : [["Called at", `${wayCell(peer).text} (${peer.way.why})`] as const]),
    ...(peer.contact_directory === null
      ? []
      : [["Directory of its link", peer.contact_directory] as const]),
    ["Standby pairs", String(peer.standby_pairs)],
    ["Waiting messages", String(peer.outbox)],
    ...(trouble === null
      ? []
      : [["Trouble", `${trouble.code}: ${showTrouble(out, trouble)}`] as const]),
  ]);
}

export async function printGroup(out: Output, group: GroupView): Promise<void> {
  await out.flow([
    { text: group.group, style: "bold" },
    { text: `may: ${list(group.permissions)}` },
  ]);
  for (const member of group.members) {
    const petname: Cell = { text: group.petnames[member] ?? "", style: "bold" };
    await out.row([{ text: `  ${member}` }, petname], []);
  }
}
