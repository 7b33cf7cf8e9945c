/**
 * Text messages: conversations whose messages have an order, an outbox that survives restarts, and an inbox that
 * acknowledges what it has stored.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { ModuleContext, ModuleTables, OpenRedModule, PeerFrame } from "../api.ts";
import { ContactRequests } from "./contact_requests.ts";
import { listConversations } from "./conversation_list.ts";
import { Conversations } from "./conversations.ts";
import { Expiry } from "./expiry.ts";
import { fillConversations } from "./filled_conversations.ts";
import { MessagingGroups, registerGroupFrames } from "./groups/messaging_groups.ts";
import { readMessageId } from "./headers.ts";
import { History } from "./history.ts";
import { Inbox } from "./inbox.ts";
import { InboxShares } from "./inbox_shares.ts";
import { Incoming } from "./incoming.ts";
import { MESSAGING_MANIFEST, REACT, READ, REMOVE, SEND, TEXT, TYPING } from "./manifest.ts";
import { Outbox } from "./outbox.ts";
import { sealPlainRows } from "./plain_rows.ts";
import { Reading } from "./reading.ts";
import { registerRoutes, type RouteParts } from "./routes.ts";
import { SearchIndex } from "./search_index.ts";
import { Searching } from "./searching.ts";
import { MESSAGING_TABLES } from "./tables.ts";
import { Timeline } from "./timeline.ts";
import { Typing } from "./typing.ts";
import { Writing } from "./writing.ts";

interface Running extends RouteParts {
  readonly incoming: Incoming;
  readonly timeline: Timeline;
  readonly expiry: Expiry;
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
      for (const type of [TEXT, REACT, REMOVE]) {
        peers.frame(type, {
          receive: async (frame) =>
            await now().incoming.receive(frame, readMessageId(frame.header.id)),
          has: (peer, id) => now().inbox.has(peer, id),
        });
      }
      // What was read only grows: a repeat is harmless, and its id need not be remembered.
      peers.frame(READ, { receive: (frame) => now().reading.receive(frame), has: () => false });
      peers.frame(TYPING, { receive: (frame) => now().typing.receive(frame) });
      registerGroupFrames(peers, () => now().groups);
      peers.call(SEND, (call) => takeCall(now(), call));
    },
    registerRoutes: (router) => registerRoutes(router, now),
    async start(context) {
      const { tables } = context.storage;
      if (tables === null) throw new RangeError("Messaging needs tables");
      tables.migrate(MESSAGING_TABLES);
      await sealPlainRows({ ...context, tables });
      await fillConversations(tables);
      running = await make(context, tables);
      running.outbox.start();
      running.reading.start();
      running.expiry.start();
      running.groups.start();
    },
    async stop(): Promise<void> {
      running?.expiry.stop();
      await running?.groups.stop();
      await running?.outbox.stop();
    },
    sessionConfirmed(peer) {
      now().outbox.confirmed(peer);
      now().reading.confirmed(peer);
      now().groups.confirmed(peer);
    },
    peerMoved(old, next) {
      now().outbox.writeMove(old, next);
      now().timeline.writeMove(old, next);
      now().conversations.writeMove(old, next);
    },
    peerForgotten(peer) {
      now().outbox.writeDrop(peer);
      now().conversations.writeDrop(peer);
      now().reading.writeDrop(peer);
      now().groups.writeDrop(peer);
    },
    waiting: (peer) => now().outbox.waiting(peer),
    gauges: () => now().outbox.gauges(),
  };
}

async function make(context: ModuleContext, tables: ModuleTables): Promise<Running> {
  const base = { ...context, tables };
  const conversations = new Conversations(base);
  await tables.write(() => conversations.writeRuns());
  const timeline = new Timeline(tables);
  const shares = new InboxShares(base);
  const requests = new ContactRequests(base);
  const inbox = new Inbox({ ...base, shares, timeline });
  const outbox = new Outbox(base);
  const reading = new Reading({ ...base, timeline });
  const groups = new MessagingGroups({ ...base, timeline, conversations, shares, reading });
  const history = new History({ ...base, timeline, conversations, outbox, reading, groups });
  const index = new SearchIndex(base);
  return {
    context,
    inbox,
    requests,
    outbox,
    reading,
    timeline,
    conversations,
    groups,
    typing: new Typing(context),
    incoming: new Incoming({ ...base, inbox, requests, shares, timeline, outbox }),
    writing: new Writing({ ...base, conversations, timeline, outbox }),
    history,
    searching: new Searching({ ...base, index, history, timeline }),
    expiry: new Expiry({ ...base, outbox, index }),
    listConversations: () => listConversations({ tables, conversations, outbox, groups }),
  };
}

/** A text as a sealed call: answered once it is stored. */
async function takeCall({ incoming }: Running, call: PeerFrame) {
  const isStored = await incoming.receive(call, readMessageId(call.header.message));
  return { header: { stored: isStored }, body: encodeUtf8("") };
}
