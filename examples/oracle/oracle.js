// @ts-check
// A module with a sealed call: every node that runs it answers questions, each from a seed of its own. The owner asks
// two peers, and sees whether they agree. docs/MODULES.md tells how to load and use it.

/** @import { ModuleContext, ModuleRouter, NodeId, OpenRedModule, PeerRouter } from "../../modules/api.ts" */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const ANSWERS = ["Yes", "No", "Ask again later", "It is certain", "Do not count on it"];
const MAX_QUESTION_BYTES = 500;
const SEED_BYTES = 8;

/** @type {ModuleContext} */
let context;

/** @type {Uint8Array} */
let seed;

/** @returns {never} */
function refuse(/** @type {string} */ code, /** @type {string} */ message) {
  throw Object.assign(new Error(message), { code });
}

/** FNV-1a: the same question gets the same answer, as long as the seed stays. @param {Uint8Array} question */
function answerTo(question) {
  let hash = 0x811c9dc5;
  for (const byte of [...seed, ...question]) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return ANSWERS[hash % ANSWERS.length];
}

/** @param {PeerRouter} peers */
function registerPeerHandlers(peers) {
  peers.call("question", async ({ body }) => {
    if (body.length === 0 || body.length > MAX_QUESTION_BYTES) {
      // Whoever asked is told this code.
      refuse("bad_request", `Expected a question of 1 to ${MAX_QUESTION_BYTES} bytes`);
    }
    context.metrics.count("answered");
    return { header: { asked_at: context.clock.nowMs() }, body: encoder.encode(answerTo(body)) };
  });
}

/**
 * Asks one peer. What it answers is its word, and no more: it is bounded and decoded here.
 * @param {NodeId} peer
 * @param {Uint8Array} body
 */
async function ask(peer, body) {
  try {
    const answer = await context.ask({ peer, type: "question", body, waitMs: 20_000 });
    return { peer, answer: decoder.decode(answer.body).slice(0, 100) };
  } catch (error) {
    // A refusal of the peer, or that it is not there: one of them shall not spoil the others.
    return { peer, refused: /** @type {{ code?: string }} */ (error).code ?? "internal" };
  }
}

/** @param {ModuleRouter} router */
function registerRoutes(router) {
  // POST /ask?peers=ID,ID asks all of them at once.
  router.route("POST", "/ask", async ({ query, body }) => {
    const peers = (query.peers ?? "").split(",").filter((peer) => peer !== "");
    if (peers.length === 0 || peers.length > 16) refuse("bad_request", "Name 1 to 16 peers");
    const answers = await Promise.all(peers.map((peer) => ask(/** @type {NodeId} */ (peer), body)));
    const texts = new Set(answers.map(({ answer }) => answer));
    return { json: { answers, agree: texts.size === 1 && !texts.has(undefined) } };
  });

  router.route("PUT", "/seed", async ({ body }) => {
    if (body.length === 0 || body.length > 64) refuse("bad_request", "Expected 1 to 64 bytes");
    await context.storage.put("seed", body);
    seed = body;
    return { status: 204 };
  });
}

/** @type {OpenRedModule} */
export default {
  manifest: {
    name: "oracle",
    version: "1.0.0",
    api: 1,
    summary: "Answers questions of peers, and asks theirs",
    permissions: ["oracle"],
    // `answers` makes a sealed call of it: one handler, one answer, only from whoever was asked.
    frames: [{ type: "question", answers: true }],
  },
  registerRoutes,
  registerPeerHandlers,
  async start(given) {
    context = given;
    seed = await context.storage.get("seed") ?? context.random.bytes(SEED_BYTES);
    await context.storage.put("seed", seed);
  },
};
