/**
 * What everybody can ask of links to send by, and the owner's routes of them.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links to send by"
 */
import { OpenRedError } from "../../../protocol/errors.ts";
import { FILE_CHUNK_BYTES, FILE_TAG_BYTES } from "../../../protocol/file_frames.ts";
import {
  MAX_LINK_REQUEST_BYTES,
  type NewRequestView,
  PIECE_ENC_BYTES,
  requestInputSchema,
  requestLookSchema,
  type RequestsView,
  type RequestView,
  uploadInputSchema,
} from "../../../protocol/file_links.ts";
import { parseInput, parseJson } from "../../../protocol/schemas.ts";
import type {
  ModuleClock,
  ModuleRouter,
  PublicAnswer,
  PublicRequest,
  PublicRouter,
} from "../../api.ts";
import { LANDS } from "../own_places.ts";
import type { Held } from "../records.ts";
import { type LinkRequest, requestState } from "./request.ts";
import type { Requests } from "./requests.ts";

const MAX_PIECE_BYTES = PIECE_ENC_BYTES + FILE_CHUNK_BYTES + FILE_TAG_BYTES;
const PLACE = /^\d{1,9}$/;

/** @param now The parts of the module while it runs. */
export function registerRequestRoutes(
  router: PublicRouter,
  now: () => { readonly requests: Requests },
): void {
  const route = (
    pattern: string,
    work: (requests: Requests, request: PublicRequest) => Promise<unknown>,
    maxBodyBytes = MAX_LINK_REQUEST_BYTES,
  ) =>
    router.route({
      method: "POST",
      pattern,
      maxBodyBytes,
      handler: async (request): Promise<PublicAnswer> => ({
        json: await work(now().requests, request),
      }),
    });
  route("/f/:link/request", look);
  route("/f/:link/uploads", begin);
  route("/f/:link/:upload/:file/:number", take, MAX_PIECE_BYTES);
  route("/f/:link/:upload/done", async (requests, { params }) => {
    await requests.land(params.link!, params.upload!);
    return { done: true };
  });
}

async function readAll({ body }: PublicRequest): Promise<Uint8Array<ArrayBuffer>> {
  return body === null ? new Uint8Array() : await new Response(body).bytes();
}

async function look(requests: Requests, request: PublicRequest): Promise<object> {
  const { access } = parseInput(requestLookSchema, parseJson(await readAll(request)));
  const { value } = await requests.find({ link: request.params.link!, access });
  return { max_bytes: value.maxBytes, expires_at: value.expiresAt };
}

async function begin(requests: Requests, request: PublicRequest): Promise<object> {
  const input = parseInput(uploadInputSchema, parseJson(await readAll(request)));
  const { access, files, bytes } = input;
  return {
    upload: await requests.begin({ link: request.params.link!, access }, { files, bytes }),
  };
}

async function take(requests: Requests, request: PublicRequest): Promise<object> {
  const { link, upload, file, number } = request.params;
  if (!PLACE.test(file!) || !PLACE.test(number!)) {
    throw new OpenRedError("bad_request", "Expected the numbers of a file and of a piece");
  }
  const next = await requests.take(link!, {
    upload: upload!,
    file: Number(file),
    number: Number(number),
    isLast: request.query.last === "1",
    body: await readAll(request),
  });
  return { next };
}

/** @param now The parts of the module while it runs. */
export function registerRequestDesk(
  router: ModuleRouter,
  now: () => { readonly requests: Requests; readonly context: { readonly clock: ModuleClock } },
): void {
  const view = (held: Held<LinkRequest>) => viewRequest(held, now().context.clock.nowMs());
  router.route("POST", "/requests", async ({ body }) => {
    const { requests } = now();
    const input = parseInput(requestInputSchema, parseJson(body));
    const { id, path } = await requests.add({
      folder: input.folder,
      expiresAt: input.expires_at ?? null,
      count: input.count ?? null,
      maxBytes: input.max_bytes ?? null,
    });
    const held = requests.all().find((one) => one.id === id)!;
    return { json: { ...view(held), path } satisfies NewRequestView };
  }, LANDS);
  router.route("GET", "/requests", () => {
    const requests = now().requests.all().map(view);
    return Promise.resolve({ json: { requests } satisfies RequestsView });
  });
}

function viewRequest({ id, value }: Held<LinkRequest>, nowMs: number): RequestView {
  return {
    id,
    state: requestState(value, nowMs),
    created_at: value.createdAt,
    expires_at: value.expiresAt,
    count: value.count,
    max_bytes: value.maxBytes,
    folder: value.folder,
    received: value.received.map(({ at, bytes, folder }) => ({
      at,
      bytes,
      name: folder,
      foreign: true,
    })),
  };
}
