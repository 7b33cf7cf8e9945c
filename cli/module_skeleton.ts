/**
 * What `module new` writes: a module that works, and says how it does.
 *
 * @module
 */

function codeOf(name: string): string {
  return `// A module of OpenRed: one file, which imports nothing. docs/MODULES.md has the whole contract.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** All that this module can reach; it is there from \`start\` to \`stop\`. */
let context = null;

/** A refusal has a code and a sentence. Whatever else is thrown counts as a fault of the module. */
function refuse(code, message) {
  throw Object.assign(new Error(message), { code });
}

/** The owner's routes: \`openred-node module call ${name} GET /\` */
function registerRoutes(router) {
  router.route("GET", "/", async () => {
    const rows = await context.storage.range({ prefix: "note/", limit: 100 });
    const notes = rows.map(({ value }) => JSON.parse(decoder.decode(value)));
    return { json: { greeting: context.options.greeting, notes } };
  });

  // Sends the body of the request to a peer, by its node id. With an \`id\` a frame is repeated until it is acknowledged.
  router.route("POST", "/send/:peer", async ({ params, body }) => {
    // What is no node id, such as your own name for a peer, is refused here.
    const { id: peer } = await context.peers.get(params.peer);
    const id = String(context.clock.nowMs());
    const { acknowledged } = context.send({ peer, type: "note", id, body });
    // A rejected promise that nobody catches is a fault, and ends the module.
    acknowledged.catch((error) => context.log.log("warn", "not_sent", { text: error.message }));
    return { status: 202, json: { id } };
  });
}

/** What peers may send: each frame that the manifest declares has its handler. */
function registerPeerHandlers(peers) {
  peers.frame("note", {
    // The peer is proven, and may send this: the node has seen to it. What it says is still only what it says.
    async receive({ peer, id, body }) {
      if (id === undefined || body.length > 1_000) refuse("bad_request", "Expected a short note");
      const note = JSON.stringify({ peer, text: decoder.decode(body) });
      await context.storage.put(\`note/\${peer}/\${id}\`, encoder.encode(note));
      context.events.emit("note", { peer });
      // It is stored durably, so that it may be acknowledged.
      return true;
    },
  });
}

export default {
  manifest: {
    name: "${name}",
    version: "0.1.0",
    api: 1,
    summary: "Keeps short notes of peers",
    // Peers may do nothing here until the owner says: openred-node peer allow PEER ${name}
    permissions: ["${name}"],
    // Set with: openred-node module set ${name} greeting Hi
    options: [{ type: "text", name: "greeting", summary: "How the list begins", fallback: "Hello" }],
    frames: [{ type: "note" }],
    // What it needs beyond that, each with why; for example { kind: "peers", why: "To list whom notes can go to" }
    grants: [],
  },
  registerRoutes,
  registerPeerHandlers,

  /** Once, before the first request or frame. At most 10 s. */
  async start(given) {
    context = given;
    context.log.log("info", "started");
  },

  /** Once, when nothing comes any more. At most 10 s. */
  async stop() {
    context.log.log("info", "stopped");
  },
};
`;
}

function readmeOf(name: string): string {
  return `# ${name}

A module for an OpenRed node, in one file: \`${name}.js\`.

\`\`\`sh
openred-node module load ${name}.js            # shows what it asks for, and asks you
openred-node module call ${name} GET /         # its route
openred-node module reload ${name} ${name}.js  # after a change, with another version in the manifest
openred-node module unload ${name} --forget    # ends it, with all it kept
\`\`\`

Two nodes that both run it can send each other notes, once each allows the other one to:

\`\`\`sh
openred-node peer allow PEER ${name}
openred-node module call ${name} POST /send/PEER_ID --body 'Hello'
\`\`\`

The contract and its limits are in docs/MODULES.md of OpenRed.
`;
}

/** The files of a new module, by their names; the module itself first. */
export function skeletonOf(name: string): Readonly<Record<string, string>> {
  return { [`${name}.js`]: codeOf(name), "README.md": readmeOf(name) };
}
