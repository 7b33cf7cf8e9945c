/**
 * Files: what the owner shares with peers, what they offer, and what is on its way.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { declineHeaderSchema } from "../../protocol/file_frames.ts";
import {
  acceptInputSchema,
  type OffersView,
  shareInputSchema,
  type SharesView,
  type ShareView,
  type TransfersView,
  type TransferView,
} from "../../protocol/file_sharing_api.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import type {
  ModuleContext,
  ModuleRouter,
  ModuleTables,
  NodeId,
  OpenRedModule,
  PeerFrame,
  RouteAnswer,
  RouteRequest,
} from "../api.ts";
import type { Transfer } from "./download.ts";
import { Landing } from "./landing.ts";
import {
  DECLINE,
  END,
  FILE_SHARING_MANIFEST,
  FILES_PERMISSION,
  PIECE,
  READ,
  REQUEST,
  SHARE,
} from "./manifest.ts";
import { Offering } from "./offering.ts";
import { type Offer, Offers } from "./offers.ts";
import { Records } from "./records.ts";
import { type Share, Shares } from "./shares.ts";
import { Sources } from "./sources.ts";
import { FILE_SHARING_TABLES } from "./tables.ts";
import { Transfers } from "./transfers.ts";
import { Uploads } from "./uploads.ts";
import { viewOffer, viewShare, viewTransfer, viewUpload } from "./views.ts";

/** What runs between `start` and `stop`. */
interface Running {
  readonly context: ModuleContext;
  readonly tables: ModuleTables;
  readonly records: {
    readonly shares: Records<Share>;
    readonly offers: Records<Offer>;
    readonly transfers: Records<Transfer>;
  };
  readonly shares: Shares;
  readonly offering: Offering;
  readonly offers: Offers;
  readonly uploads: Uploads;
  readonly sources: Sources;
  readonly transfers: Transfers;
}

/** Makes the module. */
export function createFileSharing(): OpenRedModule {
  let running: Running | null = null;
  const now = () => {
    if (running === null) throw new RangeError("The module has not started");
    return running;
  };
  return {
    manifest: FILE_SHARING_MANIFEST,
    registerPeerHandlers(peers) {
      peers.call(SHARE, (call) => now().offers.receive(call));
      peers.call(REQUEST, (call) => now().uploads.request(call));
      peers.frame(READ, { receive: (frame) => now().uploads.read(frame) });
      peers.frame(PIECE, { receive: (frame) => now().sources.piece(frame) });
      peers.frame(END, { receive: (frame) => now().sources.end(frame) });
      peers.frame(DECLINE, { receive: (frame) => declined(now(), frame) });
    },
    registerRoutes: (router) => registerRoutes(router, now),
    async start(context) {
      running = await compose(context);
      running.shares.start();
      running.offering.start();
      running.transfers.start();
    },
    async stop() {
      const { shares, offering, uploads, transfers } = now();
      offering.stop();
      uploads.stop();
      await Promise.all([shares.stop(), transfers.stop()]);
    },
    sessionConfirmed(peer) {
      now().offering.pump(peer);
      now().transfers.pump(peer);
      now().sources.pump(peer);
    },
    peerMoved: (old, next) => writeMove(now(), old, next),
    peerForgotten: (peer) => writeDrop(now(), peer),
    waiting: (peer) => now().offering.waiting(peer) + now().transfers.waiting(peer),
  };
}

async function compose(context: ModuleContext): Promise<Running> {
  const { disk, hashes } = context;
  const { tables } = context.storage;
  if (tables === null || disk === null || hashes === null) {
    throw new RangeError("File sharing needs tables, files and hashes");
  }
  tables.migrate(FILE_SHARING_TABLES);
  const parts = { ...context, tables, disk, hashes };
  const records = {
    shares: new Records<Share>(parts, "share"),
    offers: new Records<Offer>(parts, "offer"),
    transfers: new Records<Transfer>(parts, "transfer"),
  };
  for (const each of Object.values(records)) await each.load();
  const shares = new Shares({
    ...parts,
    records: records.shares,
    ready: (id) => offering.deliver(id),
  });
  const offering = new Offering({ ...parts, records: records.shares });
  const sources = new Sources(parts);
  return {
    context,
    tables,
    records,
    shares,
    offering,
    offers: new Offers({ ...parts, records: records.offers }),
    uploads: new Uploads({ ...parts, shares }),
    sources,
    transfers: new Transfers({
      ...parts,
      records: records.transfers,
      sources,
      landing: new Landing(),
    }),
  };
}

/** Inside a transaction. */
function writeMove({ records, transfers, uploads }: Running, old: NodeId, next: NodeId): void {
  const moved = records.transfers.of(old).map(({ id }) => id);
  for (const each of Object.values(records)) each.writeMove(old, next);
  uploads.drop(old);
  transfers.moved(moved);
}

/** Inside a transaction. */
function writeDrop({ records, transfers, uploads, context }: Running, peer: NodeId): void {
  records.shares.writeDrop(peer);
  records.offers.writeDrop(peer);
  const gone = records.transfers.writeDrop(peer);
  uploads.drop(peer);
  transfers.drop(gone).catch((error) => {
    context.log.log("error", "transfer_failed", { text: String(error) });
  });
}

async function declined({ records, uploads }: Running, frame: PeerFrame): Promise<boolean> {
  const { share } = parseInput(declineHeaderSchema, frame.header);
  const held = records.shares.of(frame.peer).find(({ value }) => value.share === share);
  if (held !== undefined && held.value.answer !== "accepted") {
    await records.shares.change(held.id, (value) => ({ ...value, answer: "declined" }));
    uploads.end({ share: held.id });
  }
  return true;
}

function registerRoutes(router: ModuleRouter, now: () => Running): void {
  const route = (
    method: "GET" | "POST",
    pattern: string,
    work: (running: Running, request: RouteRequest) => Promise<unknown> | unknown,
  ) =>
    router.route(method, pattern, async (request): Promise<RouteAnswer> => ({
      json: await work(now(), request),
    }));
  route("POST", "/shares", share);
  route("GET", "/shares", listShares);
  route("POST", "/shares/:id/revoke", revoke);
  route("GET", "/offers", listOffers);
  route("POST", "/offers/:id/accept", accept);
  route("POST", "/offers/:id/decline", decline);
  route("GET", "/transfers", listTransfers);
  for (const change of ["pause", "resume", "cancel"] as const) {
    route("POST", `/transfers/:id/${change}`, async (running, { params }) => {
      await running.transfers[change](params.id!);
      return viewOf(running, params.id!);
    });
  }
}

async function share(running: Running, { body }: RouteRequest): Promise<ShareView> {
  const { context, shares, records, tables } = running;
  const input = parseInput(shareInputSchema, parseJson(body));
  const peer = await context.peers.meet(input.peer);
  if (await context.peers.standing(peer, FILES_PERMISSION) !== "allowed") {
    const text = "You denied files to this peer; allow them with: openred-node peer allow PEER files";
    throw new OpenRedError("forbidden", text);
  }
  const id = await shares.add(peer, {
    paths: input.paths,
    expiresAt: input.expires_at ?? null,
    count: input.count ?? null,
    note: input.note ?? null,
  });
  return viewShare(records.shares.get(id)!, { peers: tables.peers, shares });
}

function listShares({ records, shares, tables }: Running): SharesView {
  const { peers } = tables;
  return { shares: records.shares.all().map((held) => viewShare(held, { peers, shares })) };
}

async function revoke({ records, uploads }: Running, { params }: RouteRequest): Promise<object> {
  const id = params.id!;
  if (records.shares.get(id) === null) {
    throw new OpenRedError("not_found", "There is no share of this name");
  }
  await records.shares.remove(id);
  uploads.end({ share: id });
  return { id };
}

function listOffers({ records, tables }: Running): OffersView {
  return { offers: records.offers.all().map((held) => viewOffer(held, tables.peers)) };
}

async function accept(running: Running, { params, body }: RouteRequest): Promise<TransferView> {
  const { offers, transfers } = running;
  const { folder } = parseInput(acceptInputSchema, parseJson(body));
  const offer = offers.get(params.id!);
  await transfers.begin(offer, folder);
  await offers.accepted(offer.id);
  return viewOf(running, offer.id);
}

async function decline({ offers, tables }: Running, { params }: RouteRequest): Promise<object> {
  await offers.decline(params.id!);
  return viewOffer(offers.get(params.id!), tables.peers);
}

function viewOf({ records, transfers, tables }: Running, id: string): TransferView {
  const held = records.transfers.get(id);
  if (held === null) throw new OpenRedError("not_found", "There is no transfer of this name");
  return viewTransfer(held, { peers: tables.peers, transfers });
}

function listTransfers({ records, transfers, uploads, tables }: Running): TransfersView {
  const { peers } = tables;
  const fetched = records.transfers.all().map((held) => viewTransfer(held, { peers, transfers }));
  return { transfers: [...fetched, ...uploads.views().map((view) => viewUpload(view, peers))] };
}
