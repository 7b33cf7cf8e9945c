/**
 * What everybody can ask of links: the page, a link's head, tickets, and what they give.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links"
 */
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import {
  linkHeadRequestSchema,
  linkTicketRequestSchema,
  MAX_LINK_REQUEST_BYTES,
} from "../../../protocol/file_links.ts";
import { parseInput, parseJson } from "../../../protocol/schemas.ts";
import type { PublicAnswer, PublicRequest, PublicRouter } from "../../api.ts";
import type { Link } from "./link.ts";
import type { LinkPart, LinkStreams } from "./link_streams.ts";
import type { Links } from "./links.ts";
import { derivePartKey, sealPiece } from "./page/link_crypto.js";
import { LINK_FILES, LINK_PAGE } from "./page_files.ts";

export interface LinkRouteParts {
  readonly links: Links;
  readonly streams: LinkStreams;
}

/** @param now The parts of the module while it runs. */
export function registerLinkRoutes(router: PublicRouter, now: () => LinkRouteParts): void {
  router.route({ method: "GET", pattern: "/f/:link", handler: () => Promise.resolve(LINK_PAGE) });
  router.route({
    method: "GET",
    pattern: "/f/-/:file",
    handler: ({ params }) => Promise.resolve(LINK_FILES.get(params.file!) ?? refuse()),
  });
  router.route({
    method: "POST",
    pattern: "/f/:link/head",
    maxBodyBytes: MAX_LINK_REQUEST_BYTES,
    handler: (request) => giveHead(now(), request),
  });
  router.route({
    method: "POST",
    pattern: "/f/:link/tickets",
    maxBodyBytes: MAX_LINK_REQUEST_BYTES,
    handler: (request) => giveTicket(now(), request),
  });
  for (const part of ["layer", "data"] as const) {
    router.route({
      method: "GET",
      pattern: `/f/:link/:ticket/${part}`,
      headers: ["range"],
      handler: (request) => givePieces(now(), request, part),
    });
  }
}

function refuse(): never {
  throw new OpenRedError("not_found", "There is nothing here");
}

async function giveHead({ links }: LinkRouteParts, request: PublicRequest): Promise<PublicAnswer> {
  const shown = parseInput(linkHeadRequestSchema, parseJson(await readAll(request)));
  const held = await links.open({ ...shown, link: request.params.link!, source: request.source });
  if (held === null) return { json: { password: true } };
  return { json: { head: encodeBase64Url(await sealHead(held.value)) } };
}

/** Always the same bytes: a head never changes. */
async function sealHead({ link, sealing, head }: Link): Promise<Uint8Array> {
  const transfer = decodeBase64Url(link)!;
  const what = { transfer, part: "head", root: new Uint8Array(), length: 0 } as const;
  const key = await derivePartKey(decodeBase64Url(sealing)!, what);
  return await sealPiece(key, what, { number: 0, content: encodeUtf8(head!) });
}

async function giveTicket(
  { links }: LinkRouteParts,
  request: PublicRequest,
): Promise<PublicAnswer> {
  const { file, ...shown } = parseInput(
    linkTicketRequestSchema,
    parseJson(await readAll(request)),
  );
  const { params, source } = request;
  return { json: { ticket: await links.take({ ...shown, link: params.link!, source }, file) } };
}

function givePieces(
  { streams }: LinkRouteParts,
  { params, headers }: PublicRequest,
  part: LinkPart,
): Promise<PublicAnswer> {
  return streams.read({ link: params.link!, ticket: params.ticket!, part, range: headers.range });
}

/** A body as long as its route lets it be. */
async function readAll({ body }: PublicRequest): Promise<Uint8Array> {
  return body === null ? new Uint8Array() : await new Response(body).bytes();
}
