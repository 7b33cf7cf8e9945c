/**
 * The owner's routes that a page needs, which has no files of its own: folders, what is dropped, pictures to look at.
 *
 * @module
 */
import * as v from "valibot";
import {
  dropInputSchema,
  type DroppedView,
  dropPieceSchema,
  type DropView,
  folderInputSchema,
  type FolderView,
  pictureQuerySchema,
  shareInputSchema,
} from "../../protocol/file_sharing_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import type { ModuleContext, ModulePeers, ModuleRouter, StepUpOf } from "../api.ts";
import type { Transfer } from "./download.ts";
import type { Drops } from "./drops.ts";
import { LANDS, MAKES_FOLDER } from "./own_places.ts";
import { readPicture } from "./pictures.ts";
import type { Records } from "./records.ts";

interface PageDeskParts {
  readonly context: ModuleContext;
  readonly records: { readonly transfers: Records<Transfer> };
  readonly drops: Drops;
}

const peerSchema = v.object({ peer: shareInputSchema.entries.peer });
const pathsSchema = v.object({ paths: shareInputSchema.entries.paths });

/**
 * For routes that give others files of the owner's disk: a browser names paths, and with them whatever the node can
 * read. What a page has brought itself is no secret to it.
 */
export function unlessDropped(now: () => Pick<PageDeskParts, "drops">): StepUpOf {
  return (body) => {
    const { paths } = parseInput(pathsSchema, parseJson(body));
    const { drops } = now();
    return paths.every((path) => drops.hasLanded(path)) ? null : "recent";
  };
}

/** For the route that offers files to a peer, who may write and offer files here from then on. */
export function unlessKnown(
  now: () => Pick<PageDeskParts, "drops"> & {
    readonly context: { readonly peers: Pick<ModulePeers, "widens"> };
  },
): StepUpOf {
  const ofFiles = unlessDropped(now);
  return async (body) => {
    const { peer } = parseInput(peerSchema, parseJson(body));
    return await now().context.peers.widens(peer) ? "recent" : ofFiles(body);
  };
}

/** Registers them. @param now What runs. */
export function registerPageDesk(router: ModuleRouter, now: () => PageDeskParts): void {
  router.route("POST", "/folders", async ({ body }) => {
    const { parent, name } = parseInput(folderInputSchema, parseJson(body));
    return { json: { folder: await now().drops.makeFolder(parent, name) } satisfies FolderView };
  }, MAKES_FOLDER);
  router.route("POST", "/drops", async ({ body }) => {
    const id = await now().drops.begin(parseInput(dropInputSchema, parseJson(body)));
    return { json: { id, at: 0 } satisfies DropView };
  }, LANDS);
  router.route("POST", "/drops/:id", async ({ params, body }) => {
    const id = params.id!;
    const at = await now().drops.take(id, parseInput(dropPieceSchema, parseJson(body)));
    return { json: { id, at } satisfies DropView };
  });
  router.route("POST", "/drops/:id/finish", async ({ params }) => {
    return { json: { path: await now().drops.finish(params.id!) } satisfies DroppedView };
  });
  router.route("POST", "/drops/:id/cancel", async ({ params }) => {
    await now().drops.cancel(params.id!);
    return { json: {} };
  });
  router.route("GET", "/transfers/:id/picture", async ({ params, query }) => {
    const { name } = parseInput(pictureQuerySchema, query);
    const { context, records } = now();
    const held = records.transfers.get(params.id!);
    if (held === null) throw new OpenRedError("not_found", "There is no transfer of this name");
    return await readPicture(context.disk!, held.value, name);
  });
}
