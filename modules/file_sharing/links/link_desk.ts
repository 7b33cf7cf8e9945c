/**
 * The owner's routes of links.
 *
 * @module
 */
import {
  getLinkInputSchema,
  linkInputSchema,
  type LinksView,
  type LinkView,
  type NewLinkView,
  parseLink,
} from "../../../protocol/file_links.ts";
import { parseInput, parseJson } from "../../../protocol/schemas.ts";
import type { ModuleRouter, RouteRequest } from "../../api.ts";
import type { Drops } from "../drops.ts";
import { unlessDropped } from "../page_desk.ts";
import type { Held } from "../records.ts";
import type { Link } from "./link.ts";
import { LANDS } from "../own_places.ts";
import type { LinkGets } from "./link_gets.ts";
import { folderView, named } from "../views.ts";
import type { Links } from "./links.ts";

/** @param now The parts of the module while it runs. */
export function registerLinkDesk(
  router: ModuleRouter,
  now: () => { readonly links: Links; readonly linkGets: LinkGets; readonly drops: Drops },
): void {
  router.route("POST", "/links/get", async ({ body }) => {
    const input = parseInput(getLinkInputSchema, parseJson(body));
    const { folder, password = null, keep_times: keepTimes } = input;
    const wanted = { link: parseLink(input.link)!, folder, password, keepTimes };
    return { json: await now().linkGets.begin(wanted) };
  }, LANDS);
  router.route("GET", "/links/get/:id", ({ params }) => {
    return Promise.resolve({ json: now().linkGets.view(params.id!) });
  });
  router.route(
    "POST",
    "/links",
    async (request) => ({ json: await make(now().links, request) }),
    { stepUp: unlessDropped(now) },
  );
  router.route("GET", "/links", () => Promise.resolve({ json: list(now().links) }));
}

async function make(links: Links, { body }: RouteRequest): Promise<NewLinkView> {
  const input = parseInput(linkInputSchema, parseJson(body));
  const { id, path } = await links.add({
    paths: input.paths,
    expiresAt: input.expires_at ?? null,
    count: input.count ?? null,
    note: input.note ?? null,
    password: input.password ?? null,
  });
  const held = links.all().find((one) => one.id === id)!;
  return { ...viewLink(held, links), path };
}

function list(links: Links): LinksView {
  return { links: links.all().map((held) => viewLink(held, links)) };
}

function viewLink({ id, value }: Held<Link>, links: Links): LinkView {
  const bytes = value.files.reduce((sum, { length }) => sum + length, 0);
  return {
    id,
    state: links.stateOf(value),
    why: value.why,
    has_password: value.open !== null,
    created_at: value.createdAt,
    expires_at: value.expiresAt,
    count: value.count,
    note: value.note,
    files: named(value.files).map(({ file, content }) => ({
      name: file.name,
      path: file.path,
      bytes: content.length,
      downloads: content.tickets.length,
      ...folderView(file),
    })),
    bytes,
    hashed_bytes: value.state === "hashing" ? links.hashedBytes(id) : bytes,
  };
}
