// @ts-check
// A module with a route and a peer handler: keeps notes of the owner, and takes notes of peers who may leave some.
// docs/MODULES.md tells how to load and use it.

/** @import { ModuleContext, ModuleRouter, NodeId, OpenRedModule, PeerRouter } from "../../modules/api.ts" */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const MAX_NOTE_BYTES = 4_096;

/** @type {ModuleContext} */
let context;

/** @returns {never} */
function refuse(/** @type {string} */ code, /** @type {string} */ message) {
  throw Object.assign(new Error(message), { code });
}

/** @param {Uint8Array} body */
function readNote(body) {
  if (body.length === 0 || body.length > MAX_NOTE_BYTES) {
    refuse("bad_request", `Expected a note of 1 to ${MAX_NOTE_BYTES} bytes`);
  }
  try {
    return decoder.decode(body);
  } catch {
    return refuse("bad_request", "Expected UTF-8");
  }
}

/**
 * What is kept cannot be read in the node's files: it is sealed, and bound to its key.
 * @param {string} key
 * @param {string} text
 */
async function keep(key, text) {
  const aad = encoder.encode(key);
  const rows = await context.storage.seal([{ aad, content: encoder.encode(text) }]);
  for (const sealed of rows) await context.storage.put(key, sealed);
}

/** @param {string} prefix */
async function readAll(prefix) {
  const rows = await context.storage.range({ prefix, limit: Number(context.options.shown) });
  const opened = await context.storage.open(
    rows.map(({ key, value }) => ({ aad: encoder.encode(key), sealed: value })),
  );
  return rows.map(({ key }, at) => {
    const note = opened[at];
    return { name: key.slice(prefix.length), text: note ? decoder.decode(note) : null };
  });
}

/** @param {ModuleRouter} router */
function registerRoutes(router) {
  router.route("GET", "/", async () => ({
    json: { notes: await readAll("own/"), received: await readAll("peer/") },
  }));

  router.route("PUT", "/:name", async ({ params, body }) => {
    await keep(`own/${params.name}`, readNote(body));
    return { status: 204 };
  });

  router.route("DELETE", "/:name", async ({ params }) => {
    await context.storage.delete(`own/${params.name}`);
    return { status: 204 };
  });

  // Answers once the peer has stored it. The owner may have pressed Ctrl-C before that.
  router.route("POST", "/send/:peer", async ({ params, body, signal }) => {
    readNote(body);
    const id = [...context.random.bytes(8)].map((byte) => byte.toString(36)).join("");
    const peer = /** @type {NodeId} */ (params.peer);
    const sending = context.send({ peer, type: "note", id, body });
    signal.addEventListener("abort", () => sending.cancel());
    const stored = await sending.acknowledged !== null;
    return { status: stored ? 200 : 503, json: { id, stored } };
  });
}

/** @param {PeerRouter} peers */
function registerPeerHandlers(peers) {
  peers.frame("note", {
    async receive({ peer, id, body }) {
      if (id === undefined) refuse("bad_request", "A note has an id");
      await keep(`peer/${peer}/${id}`, readNote(body));
      context.events.emit("received", { peer });
      return true;
    },
  });
}

/** @type {OpenRedModule} */
export default {
  manifest: {
    name: "notes",
    version: "1.0.0",
    api: 1,
    summary: "Keeps notes, and takes notes of peers",
    permissions: ["notes"],
    options: [
      {
        type: "number",
        name: "shown",
        summary: "How many are listed",
        fallback: 50,
        min: 1,
        max: 500,
      },
    ],
    frames: [{ type: "note" }],
  },
  registerRoutes,
  registerPeerHandlers,
  async start(given) {
    context = given;
  },
};
