/**
 * The owner's routes of messaging.
 *
 * @module
 */
import {
  cancelInputSchema,
  type ClearedView,
  clearInputSchema,
  type ConversationsView,
  draftInputSchema,
  type DraftView,
  historyQuerySchema,
  inboxQuerySchema,
  peerInputSchema,
  peerQuerySchema,
  reactInputSchema,
  readInputSchema,
  receiptsInputSchema,
  removeInputSchema,
  searchQuerySchema,
  sendInputSchema,
  type SentView,
} from "../../protocol/messaging_api.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import type { ContactRequests } from "./contact_requests.ts";
import type { StepUp } from "../../protocol/sign_in_api.ts";
import type {
  ModuleContext,
  ModuleRouter,
  NodeId,
  RouteAccess,
  RouteAnswer,
  RouteRequest,
} from "../api.ts";
import type { Conversations } from "./conversations.ts";
import {
  cancelInGroup,
  type GroupRouteParts,
  messageOf,
  reactInGroup,
  registerGroupRoutes,
  removeFromGroup,
  sentToGroup,
  writeToGroup,
} from "./groups/group_routes.ts";
import { conversationOf } from "./groups/group_rows.ts";
import type { History } from "./history.ts";
import type { Inbox } from "./inbox.ts";
import type { Outbox } from "./outbox.ts";
import type { Reading } from "./reading.ts";
import type { MessageRow } from "./rows.ts";
import type { Searching } from "./searching.ts";
import type { Typing } from "./typing.ts";
import type { Draught, StoredMessage, Writing } from "./writing.ts";

/** What the routes work with. */
export interface RouteParts extends GroupRouteParts {
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly writing: Writing;
  readonly history: History;
  readonly reading: Reading;
  readonly typing: Typing;
  readonly searching: Searching;
  readonly conversations: Conversations;
  readonly requests: ContactRequests;
  /** Every conversation, the newest first. */
  listConversations(): Promise<ConversationsView>;
}

type Handler = (parts: RouteParts, request: RouteRequest) => Promise<RouteAnswer>;

/** Registers the routes. @param now What runs. */
export function registerRoutes(router: ModuleRouter, now: () => RouteParts): void {
  const route = (
    method: "GET" | "POST" | "PUT",
    path: string,
    handler: Handler,
    access?: RouteAccess,
  ) => router.route(method, path, (request) => handler(now(), request), access);
  route("POST", "/messages", send, { stepUp: (body) => stepUpToSend(now(), body) });
  route("POST", "/remove", remove);
  route("POST", "/react", react);
  route("GET", "/history", readHistory);
  route("GET", "/search", search);
  route("GET", "/conversations", async (parts) => ({ json: await parts.listConversations() }));
  route("GET", "/requests", ({ requests }) => Promise.resolve({ json: requests.list() }));
  route("POST", "/read", read);
  route("POST", "/receipts", setReceipts);
  route("POST", "/typing", type);
  route("GET", "/draft", getDraft);
  route("PUT", "/draft", putDraft);
  route("GET", "/outbox", async ({ history }) => ({ json: await history.waiting() }));
  route("POST", "/outbox/cancel", cancel);
  route("GET", "/inbox", list);
  route("POST", "/inbox/clear", clear);
  registerGroupRoutes(router, now);
}

/** The conversation that a word means: a group's, or the one with a peer. */
async function conversationIn({ context, groups }: RouteParts, word: string): Promise<NodeId> {
  const group = await groups.views.find(word);
  return group === null ? await context.peers.find(word) : conversationOf(group.id);
}

/** Whom somebody writes to may write back from then on. */
async function stepUpToSend(
  { context, groups }: RouteParts,
  body: Uint8Array,
): Promise<StepUp | null> {
  const { peer } = parseInput(sendInputSchema, parseJson(body));
  if (await groups.views.find(peer) !== null) return null;
  return await context.peers.widens(peer) ? "recent" : null;
}

/** Stores a message for a peer and sends it, now or when the peer is back. */
async function send(parts: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const input = parseInput(sendInputSchema, parseJson(request.body));
  const { context, groups } = parts;
  const group = await groups.views.find(input.peer);
  if (group !== null) {
    const { id, delivered } = await writeToGroup(parts, group, input);
    const rttMs = await before(delivered, {
      context,
      waitMs: input.wait_ms,
      signal: request.signal,
    });
    return { json: sentToGroup(id, group, rttMs) };
  }
  const to = await context.peers.meet(input.peer);
  const stored = await parts.writing.add(to, draughtOf(parts, to, input));
  const waiting = { context, waitMs: input.wait_ms, signal: request.signal };
  return { json: await sentView(stored, waiting) };
}

function draughtOf(
  { writing }: RouteParts,
  peer: NodeId,
  input: {
    text: string;
    reply_to?: string | undefined;
    edits?: string | undefined;
    expires_ms?: number | undefined;
  },
): Draught {
  const { text, reply_to: replyTo, edits, expires_ms: expiresMs } = input;
  const reply = replyTo === undefined ? null : writing.nameOf(writing.find(peer, replyTo));
  if (edits === undefined) return { kind: "text", text, reply, expiresMs: expiresMs ?? null };
  if (reply !== null || expiresMs !== undefined) {
    throw new OpenRedError("bad_request", "An edit changes the text and nothing else");
  }
  return { kind: "edit", text, target: ownName(writing, peer, edits) };
}

/** @throws {OpenRedError} `forbidden` for a message of somebody else. */
function ownName(writing: Writing, peer: NodeId, id: string): string {
  const row = writing.find(peer, id);
  if (!row.own) throw new OpenRedError("forbidden", "Only who wrote a message can change it");
  return writing.nameOf(row);
}

async function sentView(
  { id, peer, delivered }: StoredMessage,
  waiting: { context: ModuleContext; waitMs: number; signal: AbortSignal },
): Promise<SentView> {
  const rttMs = await before(delivered, waiting);
  return { id, peer, state: rttMs === null ? "queued" : "delivered", rtt_ms: rttMs };
}

/** Takes back a message that waits, or has a peer take away one that it has. */
async function remove(parts: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { peer, id } = parseInput(removeInputSchema, parseJson(request.body));
  const { writing, outbox } = parts;
  const group = await parts.groups.views.find(peer);
  if (group !== null) {
    await removeFromGroup(parts, group, id);
    return { json: {} };
  }
  const of = await parts.context.peers.find(peer);
  const target = ownName(writing, of, id);
  const isTakenBack = outbox.waits(writing.find(of, id)) && await takenBack(outbox, id);
  if (!isTakenBack && await isMet(parts, of)) {
    await writing.add(of, { kind: "remove", text: "", target });
  } else if (!isTakenBack) await writing.erase(of, target);
  parts.context.events.emit("changed", { peer: of, kind: "remove" });
  return { json: {} };
}

/** Whether a peer can be told of anything: one that was forgotten may never come again, under this id or another. */
async function isMet({ context, groups }: RouteParts, peer: NodeId): Promise<boolean> {
  const { known } = await context.peers.get(peer);
  return known || groups.tables.peers.standing(peer, "message") === "allowed";
}

/** Whether a message could be taken back: it may be delivered by then. */
async function takenBack(outbox: RouteParts["outbox"], id: string): Promise<boolean> {
  try {
    await outbox.cancel(id);
    return true;
  } catch (error) {
    if (hasCode(error, "not_found")) return false;
    throw error;
  }
}

async function react(parts: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { peer, id, reaction } = parseInput(reactInputSchema, parseJson(request.body));
  const { writing } = parts;
  const group = await parts.groups.views.find(peer);
  if (group !== null) return { json: { id: await reactInGroup(parts, group, { id, reaction }) } };
  const of = await parts.context.peers.find(peer);
  const target = writing.nameOf(writing.find(of, id));
  if (!await isMet(parts, of)) {
    throw new OpenRedError("bad_request", "This peer was forgotten here: connect to it first");
  }
  const stored = await writing.add(of, { kind: "react", text: reaction, target });
  return { json: { id: stored.id } };
}

async function readHistory(parts: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { peer, before: above, limit } = parseInput(historyQuerySchema, request.query);
  const of = await conversationIn(parts, peer);
  return { json: await parts.history.page(of, { before: above, limit }) };
}

async function search(parts: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { text, peer, limit } = parseInput(searchQuerySchema, request.query);
  const of = peer === undefined ? null : await conversationIn(parts, peer);
  return { json: await parts.searching.search({ text, peer: of, limit }) };
}

async function read(parts: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { peer, upto } = parseInput(readInputSchema, parseJson(request.body));
  const { writing, reading, context, inbox, groups } = parts;
  const group = await groups.views.find(peer);
  const of = group === null ? await context.peers.find(peer) : conversationOf(group.id);
  const row = upto === undefined
    ? null
    : group === null
    ? writing.find(of, upto)
    : messageOf(groups, group, upto);
  await reading.noteSeen(of, await seenWith(inbox, of, row));
  if (group !== null) await groups.reading.tell(group);
  return { json: { unread: parts.conversations.unread(of) } };
}

/** The number of the inbox up to which somebody has read who has read a message of either side, or all. */
async function seenWith(inbox: Inbox, of: NodeId, row: MessageRow | null): Promise<number> {
  if (row === null) return inbox.newest(of);
  return row.own ? await inbox.newestAbove(row) : row.number;
}

async function setReceipts(parts: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { peer, tell } = parseInput(receiptsInputSchema, parseJson(request.body));
  const { reading, groups } = parts;
  const of = await conversationIn(parts, peer);
  await reading.setTells(of, tell);
  const group = await groups.groups.find(of);
  if (group !== null && !reading.tells(of)) groups.reading.silence(group);
  return { json: { receipts: reading.tells(of) } };
}

async function type(
  { typing, context, groups }: RouteParts,
  request: RouteRequest,
): Promise<RouteAnswer> {
  const { peer } = parseInput(peerInputSchema, parseJson(request.body));
  const group = await groups.views.find(peer);
  if (group !== null) await groups.reading.say(group);
  else await typing.say(await context.peers.find(peer));
  return { json: {} };
}

async function getDraft(parts: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { peer } = parseInput(peerQuerySchema, request.query);
  const of = await conversationIn(parts, peer);
  const { text } = await parts.conversations.draft(of);
  const view: DraftView = {
    peer: of,
    text: text ?? "",
    ...(text === null ? { damaged: true } : {}),
  };
  return { json: view };
}

async function putDraft(parts: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { peer, text } = parseInput(draftInputSchema, parseJson(request.body));
  const of = await conversationIn(parts, peer);
  await parts.conversations.setDraft(of, text);
  return { json: { peer: of, text } satisfies DraftView };
}

async function cancel(parts: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { id } = parseInput(cancelInputSchema, parseJson(request.body));
  const { outbox, groups } = parts;
  const group = await groups.views.waitsIn(id);
  if (group !== null) {
    await cancelInGroup(parts, group, id);
    return { json: { id, peer: group.id } };
  }
  return { json: { id, peer: await outbox.cancel(id) } };
}

async function clear({ context, inbox }: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { peer, before: below } = parseInput(clearInputSchema, parseJson(request.body));
  const removed = await inbox.clear(await context.peers.find(peer), below);
  return { json: { removed } satisfies ClearedView };
}

async function list({ inbox, groups }: RouteParts, request: RouteRequest): Promise<RouteAnswer> {
  const { after, before: below, limit } = parseInput(inboxQuerySchema, request.query);
  const listed = below === undefined
    ? await inbox.listAfter({ after, limit })
    : await inbox.listBefore({ before: below, limit });
  const messages = await groups.views.named(listed);
  return { json: { messages, cursor: messages.at(-1)?.number ?? after } };
}

/** What a promise resolves with in time, or `null`. */
async function before<T>(
  promise: Promise<T>,
  { context, waitMs, signal }: { context: ModuleContext; waitMs: number; signal: AbortSignal },
): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const cancel = context.clock.setTimer(waitMs, () => resolve(null));
  if (signal.aborted) resolve(null);
  else signal.addEventListener("abort", () => resolve(null), { once: true });
  const first = await Promise.race([promise, late]);
  cancel();
  return first;
}
