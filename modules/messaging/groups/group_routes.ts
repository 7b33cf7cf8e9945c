/**
 * The owner's routes of groups.
 *
 * @module
 */
import { OpenRedError } from "../../../protocol/errors.ts";
import {
  acceptInputSchema,
  foundInputSchema,
  groupChangeInputSchema,
  groupInputSchema,
  groupOwnerInputSchema,
  groupPeersInputSchema,
  type GroupsView,
  refoundInputSchema,
} from "../../../protocol/groups_api.ts";
import type { SentView } from "../../../protocol/messaging_api.ts";
import { parseInput, parseJson } from "../../../protocol/schemas.ts";
import type { StepUp } from "../../../protocol/sign_in_api.ts";
import type {
  ModuleContext,
  ModuleRouter,
  NodeId,
  RouteAccess,
  RouteAnswer,
  RouteRequest,
} from "../../api.ts";
import { readName } from "../names.ts";
import { latestAbout, openRows } from "../opened_texts.ts";
import { type MessageRow, rowsOfBox } from "../rows.ts";
import type { Group } from "./group.ts";
import { conversationOf } from "./group_rows.ts";
import type { MessagingGroups } from "./messaging_groups.ts";

export interface GroupRouteParts {
  readonly context: ModuleContext;
  readonly groups: MessagingGroups;
}

type Handler = (parts: GroupRouteParts, request: RouteRequest) => Promise<RouteAnswer>;

/** Others may do more then: members write here, or an owner rules the group. */
const WIDENS: RouteAccess = { stepUp: "recent" };

/** Who is invited may write here from then on. */
async function stepUpToMeet(
  { context: { peers } }: GroupRouteParts,
  words: readonly string[],
): Promise<StepUp | null> {
  for (const word of words) if (await peers.widens(word)) return "recent";
  return null;
}

/** Registers the routes. @param now What runs. */
export function registerGroupRoutes(router: ModuleRouter, now: () => GroupRouteParts): void {
  const route = (
    method: "GET" | "POST",
    path: string,
    handler: Handler,
    access?: RouteAccess,
  ) => router.route(method, `/groups${path}`, (request) => handler(now(), request), access);
  const meets = (peersOf: (body: Uint8Array) => readonly string[]): RouteAccess => ({
    stepUp: (body) => stepUpToMeet(now(), peersOf(body)),
  });
  route("GET", "", async ({ groups }) => {
    return { json: { groups: await groups.views.list() } satisfies GroupsView };
  });
  route("POST", "", found, meets((body) => parseInput(foundInputSchema, parseJson(body)).members));
  route("GET", "/show", async ({ groups }, { query }) => {
    return shown(groups, await groups.views.need(parseInput(groupInputSchema, query).group));
  });
  route("POST", "/accept", accept, WIDENS);
  route("POST", "/decline", change(groupInputSchema, ({ acts }, group) => acts.decline(group)));
  route("POST", "/leave", change(groupInputSchema, ({ acts }, group) => acts.leave(group)));
  route(
    "POST",
    "/invite",
    invite,
    meets((body) => parseInput(groupPeersInputSchema, parseJson(body)).peers),
  );
  route("POST", "/remove", remove);
  route("POST", "/owner", handOver, WIDENS);
  route("POST", "/change", rename);
  route("POST", "/refound", refound);
}

function shown({ views }: MessagingGroups, group: Group): RouteAnswer {
  return { json: views.view(group) };
}

/** A route that changes a group, and answers with what it is then. */
function change(
  schema: typeof groupInputSchema,
  act: (groups: MessagingGroups, group: Group) => Promise<void>,
): Handler {
  return async ({ groups }, request) => {
    const input = parseInput(schema, parseJson(request.body));
    const group = await groups.views.need(input.group);
    await act(groups, group);
    return shown(groups, group);
  };
}

async function found({ groups, context }: GroupRouteParts, request: RouteRequest) {
  const { name, members, history } = parseInput(foundInputSchema, parseJson(request.body));
  const ids: NodeId[] = [];
  for (const word of members) ids.push(await context.peers.meet(word));
  return shown(groups, await groups.acts.found({ name, members: ids, history }));
}

async function accept({ groups }: GroupRouteParts, request: RouteRequest) {
  const { group: word, introduce } = parseInput(acceptInputSchema, parseJson(request.body));
  const group = await groups.views.need(word);
  await groups.acts.accept(group, introduce);
  return shown(groups, group);
}

async function invite({ groups, context }: GroupRouteParts, request: RouteRequest) {
  const { group: word, peers } = parseInput(groupPeersInputSchema, parseJson(request.body));
  const group = await groups.views.need(word);
  const ids: NodeId[] = [];
  for (const peer of peers) ids.push(await context.peers.meet(peer));
  await groups.acts.invite(group, ids);
  return shown(groups, group);
}

async function remove({ groups, context }: GroupRouteParts, request: RouteRequest) {
  const { group: word, peers } = parseInput(groupPeersInputSchema, parseJson(request.body));
  const group = await groups.views.need(word);
  const ids: NodeId[] = [];
  for (const peer of peers) ids.push(await memberOf(context, group, peer));
  await groups.acts.remove(group, ids);
  return shown(groups, group);
}

async function handOver({ groups, context }: GroupRouteParts, request: RouteRequest) {
  const { group: word, peer } = parseInput(groupOwnerInputSchema, parseJson(request.body));
  const group = await groups.views.need(word);
  await groups.acts.handOver(group, await memberOf(context, group, peer));
  return shown(groups, group);
}

/** A member may be somebody whom this node has never met. */
async function memberOf(context: ModuleContext, group: Group, word: string): Promise<NodeId> {
  const id = word as NodeId;
  return group.roster.find(id) === null ? await context.peers.find(word) : id;
}

async function rename({ groups }: GroupRouteParts, request: RouteRequest) {
  const { group: word, name, history } = parseInput(
    groupChangeInputSchema,
    parseJson(request.body),
  );
  if (name === undefined && history === undefined) {
    throw new OpenRedError("bad_request", "Nothing is to be changed");
  }
  const group = await groups.views.need(word);
  await groups.acts.change(group, {
    ...(name === undefined ? {} : { name }),
    ...(history === undefined ? {} : { history }),
  });
  return shown(groups, group);
}

async function refound({ groups }: GroupRouteParts, request: RouteRequest) {
  const { group: word, name } = parseInput(refoundInputSchema, parseJson(request.body));
  const group = await groups.views.need(word);
  return shown(groups, await groups.acts.refound(group, name ?? group.name));
}

interface GroupText {
  readonly text: string;
  readonly reply_to?: string | undefined;
  readonly edits?: string | undefined;
  readonly expires_ms?: number | undefined;
}

/** Writes to a group. @returns When everybody has it. */
export async function writeToGroup({ groups }: GroupRouteParts, group: Group, input: GroupText) {
  const { text, reply_to: replyTo, edits, expires_ms: expiresMs } = input;
  if (edits !== undefined && (replyTo !== undefined || expiresMs !== undefined)) {
    throw new OpenRedError("bad_request", "An edit changes the text and nothing else");
  }
  const stored = await groups.writing.add(group, {
    type: "text",
    text,
    replyTo: replyTo === undefined ? null : messageOf(groups, group, replyTo).id,
    edits: edits === undefined ? null : ownNumber(groups, group, edits),
    expiresMs: expiresMs ?? null,
  });
  return { ...stored, peer: conversationOf(group.id) };
}

export function sentToGroup(id: string, group: Group, rttMs: number | null): SentView {
  const state = rttMs === null ? "queued" : "delivered";
  return { id, peer: group.id, state, rtt_ms: rttMs, group: group.name };
}

/** Removes an own message of a group, here and with everybody. */
export async function removeFromGroup(
  { groups }: GroupRouteParts,
  group: Group,
  id: string,
): Promise<void> {
  const removes = ownNumber(groups, group, id);
  await groups.writing.add(group, { type: "remove", text: "", removes });
}

export async function reactInGroup(
  { groups }: GroupRouteParts,
  group: Group,
  { id, reaction }: { readonly id: string; readonly reaction: string },
): Promise<string> {
  const to = messageOf(groups, group, id).id;
  return (await groups.writing.add(group, { type: "react", text: reaction, to })).id;
}

/**
 * Takes back what waits for somebody in a group: a text is removed, and of a reaction the writer has none then.
 * @throws {OpenRedError} `forbidden`, with the reason, for what cannot be taken back.
 */
export async function cancelInGroup(
  parts: GroupRouteParts,
  group: Group,
  id: string,
): Promise<void> {
  const { tables } = parts.groups;
  const [row] = rowsOfBox(tables, true, "WHERE conversation = ? AND id = ?", group.id, id);
  if (row?.kind === "react") return await takeReactionBack(parts, group, row);
  const why = row === undefined ? undefined : NOT_TAKEN_BACK[row.kind];
  if (why !== undefined) throw new OpenRedError("forbidden", why);
  await removeFromGroup(parts, group, id);
}

/** Members pass these on to each other: who has one already is not known for sure. */
const NOT_TAKEN_BACK: Readonly<Partial<Record<MessageRow["kind"], string>>> = {
  edit: "An edit in a group cannot be taken back: edit the message again, or remove it",
  remove: "That a message is removed cannot be taken back",
};

async function takeReactionBack(
  parts: GroupRouteParts,
  group: Group,
  reaction: MessageRow,
): Promise<void> {
  const { context, groups } = parts;
  const { own, run, n } = readName(reaction.target!);
  const where = "WHERE conversation = ? AND run = ? AND n = ?";
  const [target] = rowsOfBox(groups.tables, own, where, group.id, run, n);
  if (target === undefined) throw new OpenRedError("not_found", "There is no such message");
  if (latestAbout(groups.tables, target, { kind: "react", own: true })?.id !== reaction.id) {
    throw new OpenRedError("forbidden", "What you said after this reaction counts, not this one");
  }
  const [text] = await openRows(context, [reaction]);
  if (text === "") throw new OpenRedError("forbidden", "This takes a reaction back: react anew");
  await reactInGroup(parts, group, { id: target.id, reaction: "" });
}

/** @throws {OpenRedError} `not_found`; `bad_request` for one of which nothing is left. */
export function messageOf(
  { tables }: Pick<MessagingGroups, "tables">,
  group: Group,
  id: string,
): MessageRow {
  const rest = "WHERE conversation = ? AND id = ? AND kind = 'text'";
  const [row] = [true, false].flatMap((own) => rowsOfBox(tables, own, rest, group.id, id));
  if (row === undefined) throw new OpenRedError("not_found", "There is no such message");
  if (row.erased !== null) throw new OpenRedError("bad_request", "This message was removed");
  return row;
}

/** @throws {OpenRedError} `forbidden` for a message of somebody else. */
function ownNumber(groups: MessagingGroups, group: Group, id: string) {
  const row = messageOf(groups, group, id);
  const number = row.own ? groups.views.numberOf(row) : null;
  if (number === null) {
    throw new OpenRedError("forbidden", "Only who wrote a message can change it");
  }
  return { run: number.run, n: number.n };
}
