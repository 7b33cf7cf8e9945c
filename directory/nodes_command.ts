/**
 * What `openred-central nodes …` asks the running directory for, and how it shows the answer.
 *
 * @module
 */
import {
  ADMIN_NODES_PATH,
  type BanView,
  MAX_NODES_A_PAGE,
  type NodeDetail,
  type NodesPage,
  type StoredNodeView,
} from "../protocol/directory_admin.ts";
import { safeJson, sanitizeLine } from "../protocol/safe_text.ts";
import { type AdminClient, type AdminParts, localTime, runAdminCommand } from "./admin_client.ts";
import type { NodesAction, NodesOptions } from "./nodes_options.ts";

function nodeText(node: StoredNodeView): string {
  const marks = [
    node.alias === null ? [] : [`"${node.alias}"`],
    node.unlisted ? ["unlisted"] : [],
    node.services,
  ].flat().join("  ");
  const lines = [
    `${node.node_id}  ${node.status}, seen ${localTime(node.last_seen)}`,
    ...[node.api_url, marks].filter((text) => text !== "").map((text) => `  ${text}`),
  ];
  return lines.map((line) => `${sanitizeLine(line)}\n`).join("");
}

function banText({ node_id, banned_at, note }: BanView): string {
  const why = note === "" ? "" : `: ${note}`;
  return `${sanitizeLine(`${node_id}  banned ${localTime(banned_at)}${why}`)}\n`;
}

function detailText(
  { node_id, node, followed_by, ban }: NodeDetail,
  what: "show" | "remove" | "ban" | "unban",
): string {
  if (what === "remove") return `${node_id} is forgotten; it may register again\n`;
  if (what === "unban") return `${node_id} may register again\n`;
  if (what === "ban") return banText(ban!);
  const texts = [
    node === null ? "" : nodeText(node),
    followed_by === null ? "" : `${node_id}  followed by ${followed_by}\n`,
    ban === null ? "" : banText(ban),
  ].join("");
  return texts === "" ? `${node_id}  nothing is known of it here\n` : texts;
}

function isoTimes(node: StoredNodeView) {
  const { last_seen, lease_end, called_back, ...rest } = node;
  const iso = (ms: number) => ms > 0 ? new Date(ms).toISOString() : null;
  return {
    ...rest,
    last_seen: iso(last_seen),
    lease_end: iso(lease_end),
    called_back: iso(called_back),
  };
}

function isoBan({ banned_at, ...rest }: BanView) {
  return { ...rest, banned_at: new Date(banned_at).toISOString() };
}

async function list(
  client: AdminClient,
  { kind, limit }: Extract<NodesAction, { what: "list" }>,
  { json, out, err }: { readonly json: boolean } & Pick<AdminParts, "out" | "err">,
): Promise<void> {
  let left = limit;
  let after: string | null = null;
  const nodes: StoredNodeView[] = [];
  const bans: BanView[] = [];
  do {
    const query = new URLSearchParams({
      kind,
      limit: `${Math.min(left, MAX_NODES_A_PAGE)}`,
      ...(after === null ? {} : { after }),
    });
    const page = await client.ask(`${ADMIN_NODES_PATH}?${query}`) as NodesPage;
    left -= page.nodes.length + page.bans.length;
    after = page.next;
    if (json) {
      nodes.push(...page.nodes);
      bans.push(...page.bans);
    } else out([...page.nodes.map(nodeText), ...page.bans.map(banText)].join(""));
  } while (after !== null && left > 0);
  if (json) {
    const all = kind === "banned" ? { bans: bans.map(isoBan) } : { nodes: nodes.map(isoTimes) };
    out(`${safeJson({ ...all, is_whole: after === null })}\n`);
  } else if (left === limit) err("There are none\n");
  else if (after !== null) err(`There may be more than these ${limit}: see --limit\n`);
}

async function run(client: AdminClient, { action, json }: NodesOptions, parts: AdminParts) {
  if (action.what === "list") return await list(client, action, { ...parts, json });
  const { what, ...input } = action;
  const body = JSON.stringify(input);
  const detail = await client.ask(`${ADMIN_NODES_PATH}/${what}`, body) as NodeDetail;
  if (!json) return parts.out(detailText(detail, what));
  const { node, ban } = detail;
  const shown = {
    ...detail,
    node: node === null ? null : isoTimes(node),
    ban: ban === null ? null : isoBan(ban),
  };
  parts.out(`${safeJson(shown)}\n`);
}

/** Does what was asked for. @returns The exit code. */
export async function runNodesCommand(options: NodesOptions, parts: AdminParts): Promise<number> {
  return await runAdminCommand(options, parts, (client) => run(client, options, parts));
}
