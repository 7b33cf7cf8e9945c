/**
 * Text messages: an outbox that survives restarts, and an inbox that acknowledges what it has stored.
 *
 * @module
 */
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import {
  type ClearedView,
  clearInputSchema,
  inboxQuerySchema,
  sendInputSchema,
  type SentView,
} from "../../protocol/messaging_api.ts";
import type { ModuleContext, OpenRedModule, RouteAnswer, RouteRequest } from "../api.ts";
import { ContactRequests } from "./contact_requests.ts";
import { Inbox } from "./inbox.ts";
import { InboxShares } from "./inbox_shares.ts";
import { MESSAGING_MANIFEST, TEXT } from "./manifest.ts";
import { Outbox } from "./outbox.ts";
import { sealPlainRows } from "./plain_rows.ts";
import { MESSAGING_TABLES } from "./tables.ts";

interface Running {
  readonly context: ModuleContext;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
}

/** Makes the module. */
export function createMessaging(): OpenRedModule {
  let running: Running | null = null;
  const now = () => {
    if (running === null) throw new RangeError("The module has not started");
    return running;
  };
  return {
    manifest: MESSAGING_MANIFEST,
    registerPeerHandlers(peers) {
      peers.frame(TEXT, {
        receive: (frame) => now().inbox.receive(frame),
        has: (peer, id) => now().inbox.has(peer, id),
      });
    },
    registerRoutes(router) {
      router.route("POST", "/messages", (request) => send(now(), request));
      router.route("GET", "/inbox", (request) => list(now(), request));
      router.route("POST", "/inbox/clear", (request) => clear(now(), request));
    },
    async start(context) {
      const { tables } = context.storage;
      if (tables === null) throw new RangeError("Messaging needs tables");
      tables.migrate(MESSAGING_TABLES);
      await sealPlainRows({ ...context, tables });
      const requests = new ContactRequests({ ...context, tables });
      const outbox = new Outbox({ ...context, tables });
      const shares = new InboxShares({ ...context, tables });
      running = { context, inbox: new Inbox({ ...context, tables, requests, shares }), outbox };
      outbox.start();
    },
    sessionConfirmed: (peer) => now().outbox.pump(peer),
    peerMoved: (old, next) => now().outbox.writeMove(old, next),
    peerForgotten: (peer) => now().outbox.writeDrop(peer),
    waiting: (peer) => now().outbox.waiting(peer),
    stop: async () => await running?.outbox.stop(),
  };
}

/** Stores a message for a peer and sends it, now or when the peer is back. */
async function send({ context, outbox }: Running, request: RouteRequest): Promise<RouteAnswer> {
  const input = parseInput(sendInputSchema, parseJson(request.body));
  const to = await context.peers.meet(input.peer);
  const { id, peer, delivered } = await outbox.add(to, input.text);
  const rttMs = await before(delivered, { context, waitMs: input.wait_ms, signal: request.signal });
  const state = rttMs === null ? "queued" : "delivered";
  return { json: { id, peer, state, rtt_ms: rttMs } satisfies SentView };
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

async function clear({ context, inbox }: Running, request: RouteRequest): Promise<RouteAnswer> {
  const { peer, before } = parseInput(clearInputSchema, parseJson(request.body));
  const removed = await inbox.clear(await context.peers.find(peer), before);
  return { json: { removed } satisfies ClearedView };
}

async function list({ inbox }: Running, request: RouteRequest): Promise<RouteAnswer> {
  const { after, before: below, limit } = parseInput(inboxQuerySchema, request.query);
  const messages = below === undefined
    ? await inbox.listAfter({ after, limit })
    : await inbox.listBefore({ before: below, limit });
  return { json: { messages, cursor: messages.at(-1)?.number ?? after } };
}
