/**
 * Files: what the owner shares with peers, what they offer, and what is on its way.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { declineHeaderSchema, FILE_PATH } from "../../protocol/file_frames.ts";
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
  ModuleGauge,
  ModuleRouter,
  ModuleTables,
  NodeId,
  OpenRedModule,
  PeerFrame,
  RouteAccess,
  RouteAnswer,
  RouteRequest,
} from "../api.ts";
import type { Transfer } from "./download.ts";
import { AutoAccept } from "./auto_accept.ts";
import { LANDS } from "./own_places.ts";
import { Drops } from "./drops.ts";
import { KeptParts } from "./kept_parts.ts";
import { Landing } from "./landing.ts";
import type { Link } from "./links/link.ts";
import { registerLinkDesk } from "./links/link_desk.ts";
import { registerLinkRoutes } from "./links/link_routes.ts";
import { LinkGets } from "./links/link_gets.ts";
import { LinkStreams } from "./links/link_streams.ts";
import { Links } from "./links/links.ts";
import type { LinkRequest } from "./links/request.ts";
import { registerRequestDesk, registerRequestRoutes } from "./links/request_routes.ts";
import { Requests } from "./links/requests.ts";
import {
  DECLINE,
  END,
  FILE_SHARING_MANIFEST,
  FILES_PERMISSION,
  REQUEST,
  SHARE,
  UNLOCK,
} from "./manifest.ts";
import { Offering } from "./offering.ts";
import { type Offer, Offers } from "./offers.ts";
import { registerPageDesk, unlessKnown } from "./page_desk.ts";
import { type Held, Records } from "./records.ts";
import { endRestored } from "./restored.ts";
import { ShareFactors } from "./share_factors.ts";
import { type FolderLists, SharedDisk } from "./shared_disk.ts";
import { type Share, Shares } from "./shares.ts";
import { Sources } from "./sources.ts";
import { FILE_SHARING_TABLES } from "./tables.ts";
import { Transfers } from "./transfers.ts";
import { Unlocking } from "./unlocking.ts";
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
  readonly factors: ShareFactors;
  readonly offering: Offering;
  readonly offers: Offers;
  readonly uploads: Uploads;
  readonly sources: Sources;
  readonly transfers: Transfers;
  readonly links: Links;
  readonly streams: LinkStreams;
  readonly linkGets: LinkGets;
  readonly requests: Requests;
  readonly autoAccept: AutoAccept;
  readonly drops: Drops;
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
      peers.call(UNLOCK, (call) => now().factors.unlock(call));
      peers.call(REQUEST, (call) => now().uploads.request(call));
      peers.frame(END, { receive: (frame) => now().sources.end(frame) });
      peers.frame(DECLINE, { receive: (frame) => declined(now(), frame) });
    },
    registerRoutes(router) {
      registerRoutes(router, now);
      registerLinkDesk(router, now);
      registerRequestDesk(router, now);
      registerPageDesk(router, now);
    },
    registerPublicRoutes(router) {
      router.route({
        method: "GET",
        pattern: `${FILE_PATH}:id`,
        headers: ["range"],
        handler: (request) => now().uploads.serve(request),
      });
      registerLinkRoutes(router, now);
      registerRequestRoutes(router, now);
    },
    async start(context) {
      running = await compose(context);
      await endRestored({ ...running, storage: context.storage });
      running.shares.start();
      running.offering.start();
      running.transfers.start();
      running.autoAccept.start();
      running.links.start();
      await running.requests.start();
    },
    stopping: () => running?.factors.stop(),
    async stop() {
      const { shares, offering, uploads, transfers, autoAccept, links, linkGets } = now();
      const { requests, drops } = now();
      offering.stop();
      uploads.stop();
      await autoAccept.stop();
      await Promise.all([shares.stop(), transfers.stop(), links.stop(), linkGets.stop()]);
      await Promise.all([requests.stop(), drops.stop()]);
    },
    sessionConfirmed(peer) {
      now().offering.pump(peer);
      now().transfers.pump(peer);
    },
    peerMoved: (old, next) => writeMove(now(), old, next),
    peerForgotten: (peer) => writeDrop(now(), peer),
    waiting: (peer) => now().offering.waiting(peer) + now().transfers.waiting(peer),
    gauges: () => gaugesOf(now()),
  };
}

async function compose(context: ModuleContext): Promise<Running> {
  const { disk, hashes, sealing, passwords, web } = context;
  const { tables } = context.storage;
  if (tables === null || disk === null || hashes === null || sealing === null) {
    throw new RangeError("File sharing needs tables, files and what seals them");
  }
  if (passwords === null || web === null) {
    throw new RangeError("File sharing needs what links are opened with");
  }
  tables.migrate(FILE_SHARING_TABLES);
  const parts = { ...context, tables, disk, hashes, sealing, passwords, web };
  const records = {
    shares: new Records<Share>(parts, "share"),
    offers: new Records<Offer>(parts, "offer"),
    transfers: new Records<Transfer>(parts, "transfer"),
  };
  const ofLinks = new Records<Link>(parts, "link");
  const ofRequests = new Records<LinkRequest>(parts, "request");
  for (const each of [...Object.values(records), ofLinks, ofRequests]) await each.load();
  const links = new Links({ ...parts, records: ofLinks });
  const kept = new KeptParts(parts);
  await kept.sealPlain();
  const shares = new Shares({
    ...parts,
    kept,
    records: records.shares,
    ready: (id) => offering.deliver(id),
  });
  const ofShares: FolderLists = (of) => kept.read({ ...of, part: "manifest" });
  const offering = new Offering({ ...parts, records: records.shares });
  const sources = new Sources(parts);
  const landing = new Landing();
  const offers = new Offers({
    ...parts,
    records: records.offers,
    arrived: (id) => autoAccept.offered(id),
  });
  const transfers = new Transfers({
    ...parts,
    records: records.transfers,
    sources,
    unlocking: new Unlocking(parts),
    landing,
    alsoAt: (file, than) => offers.alsoAt(file, than),
  });
  const autoAccept = new AutoAccept({ ...parts, records: records.offers, offers, transfers });
  return {
    context,
    tables,
    records,
    shares,
    factors: new ShareFactors({ ...parts, records: records.shares, shares }),
    offering,
    offers,
    uploads: new Uploads({ ...parts, disk: new SharedDisk(disk, ofShares), shares }),
    sources,
    transfers,
    autoAccept,
    links,
    streams: new LinkStreams({ ...parts, links, folders: new SharedDisk(disk, links.lists) }),
    linkGets: new LinkGets({ ...parts, landing }),
    requests: new Requests({ ...parts, records: ofRequests }),
    drops: new Drops({ ...parts, landing }),
  };
}

function gaugesOf({ records, uploads }: Running): readonly ModuleGauge[] {
  const transfers = records.transfers.all().filter(({ value }) => value.state === "running");
  const open = records.offers.all().filter(({ value }) => value.state === "offered");
  return [
    {
      name: "transfers",
      help: "Transfers to this node that go on or wait.",
      value: transfers.length,
    },
    { name: "offers", help: "Offers that the owner has not answered.", value: open.length },
    { name: "uploads", help: "Transfers that peers may fetch here.", value: uploads.size },
  ];
}

/** Inside a transaction. */
function writeMove(
  { records, transfers, uploads, autoAccept }: Running,
  old: NodeId,
  next: NodeId,
): void {
  const moved = records.transfers.of(old).map(({ id }) => id);
  for (const each of Object.values(records)) each.writeMove(old, next);
  autoAccept.writeMove(old, next);
  uploads.drop(old);
  transfers.moved(moved);
}

/** Inside a transaction. */
function writeDrop(
  { records, transfers, uploads, autoAccept, context }: Running,
  peer: NodeId,
): void {
  autoAccept.writeDrop(peer);
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
    access?: RouteAccess,
  ) =>
    router.route(method, pattern, async (request): Promise<RouteAnswer> => ({
      json: await work(now(), request),
    }), access);
  route("POST", "/shares", share, { stepUp: unlessKnown(now) });
  route("GET", "/shares", listShares);
  route("POST", "/shares/:id/revoke", revoke);
  route("GET", "/offers", listOffers);
  route("POST", "/offers/:id/accept", accept, LANDS);
  route("POST", "/offers/:id/decline", decline);
  route("GET", "/transfers", listTransfers);
  route("POST", "/transfers/forget", async (running) => {
    await running.transfers.forgetOver();
    return listTransfers(running);
  });
  for (const change of ["pause", "resume", "cancel"] as const) {
    route("POST", `/transfers/:id/${change}`, async (running, { params }) => {
      await running.transfers[change](params.id!);
      return viewOf(running, params.id!);
    });
  }
}

async function share(running: Running, { body }: RouteRequest): Promise<ShareView> {
  const { context, shares, records } = running;
  const input = parseInput(shareInputSchema, parseJson(body));
  const peer = await context.peers.meet(input.peer);
  if (await context.peers.standing(peer, FILES_PERMISSION) !== "allowed") {
    const text =
      "You denied files to this peer; allow them with: openred-node peer allow PEER files";
    throw new OpenRedError("forbidden", text);
  }
  const id = await shares.add(peer, {
    paths: input.paths,
    expiresAt: input.expires_at ?? null,
    count: input.count ?? null,
    note: input.note ?? null,
    ...(input.require === undefined ? {} : { require: input.require }),
  });
  context.audit?.note("files_shared", { peer, success: true, share: id }, "owner");
  return showShare(running, records.shares.get(id)!);
}

function showShare({ shares, factors, tables: { peers } }: Running, held: Held<Share>): ShareView {
  return viewShare(held, { peers, shares, factors });
}

function listShares(running: Running): SharesView {
  return { shares: running.records.shares.all().map((held) => showShare(running, held)) };
}

async function revoke(
  { records, uploads, context, links, requests }: Running,
  { params }: RouteRequest,
): Promise<object> {
  const id = params.id!;
  if (await links.revoke(id) || await requests.revoke(id)) return { id };
  const held = records.shares.get(id);
  if (held === null) throw new OpenRedError("not_found", "There is no share of this name");
  await records.shares.remove(id);
  context.audit?.note("files_unshared", { peer: held.peer, success: true, share: id }, "owner");
  uploads.end({ share: id });
  return { id };
}

function listOffers({ records, tables }: Running): OffersView {
  return { offers: records.offers.all().map((held) => viewOffer(held, tables.peers)) };
}

async function accept(running: Running, { params, body }: RouteRequest): Promise<TransferView> {
  const { offers, transfers } = running;
  const { folder, keep_times: keepTimes } = parseInput(acceptInputSchema, parseJson(body));
  const offer = offers.get(params.id!);
  await transfers.begin(offer, { folder, keepTimes });
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
