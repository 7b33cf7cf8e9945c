import { assertEquals, assertThrows } from "@std/assert";
import type { OpenRedModule } from "../../../modules/api.ts";
import { register, type Registrations } from "../../../peer/modules/registrations.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { manifestSchema } from "../../../protocol/module_manifest.ts";
import { parseInput } from "../../../protocol/schemas.ts";
import { type TestManifest, testManifest } from "../../world/test_module.ts";

const MANIFEST: TestManifest = {
  name: "weather",
  grants: [{ kind: "method", name: "gale", why: "for the tests" }],
  frames: [{ type: "report" }, { type: "ask", answers: true }],
};
const HANDLER = { receive: () => Promise.resolve(true) };
const CALL = () => Promise.resolve({});
const METHOD = { forward: (block: Uint8Array) => block, inverse: (block: Uint8Array) => block };

/** What the manifest declares, registered as it is meant to be; a test puts its own in the place of that. */
const WHOLE: Omit<OpenRedModule, "manifest"> = {
  registerPeerHandlers(peers) {
    peers.frame("report", HANDLER);
    peers.call("ask", CALL);
  },
  registerCryptoMethods: (methods) => methods.method("gale", METHOD),
};

function registered(changes: Partial<OpenRedModule>, input = MANIFEST): Registrations {
  const manifest = testManifest(input);
  return register({ ...WHOLE, ...changes, manifest }, parseInput(manifestSchema, manifest));
}

Deno.test("register() collects what a module registers, in its order", () => {
  const route = () => Promise.resolve({});
  const [first, second] = [() => {}, () => {}];
  const all = registered({
    registerRoutes(router) {
      router.route("GET", "/", route);
      router.route("POST", "/notes/:id", route);
    },
    registerMiddleware(chain) {
      chain.use(first);
      chain.use(second);
    },
  });
  assertEquals([...all.frames], [["report", HANDLER]]);
  assertEquals([...all.calls], [["ask", CALL]]);
  assertEquals([...all.methods], [["gale", METHOD]]);
  assertEquals(all.routes.map(({ method, pattern }) => `${method} ${pattern}`), [
    "GET /",
    "POST /notes/:id",
  ]);
  assertEquals(all.middleware, [first, second]);
});

Deno.test("register() lets a module that declares nothing register nothing", () => {
  const none = { registerPeerHandlers: () => {}, registerCryptoMethods: () => {} };
  const { frames, calls, routes, methods, middleware } = registered(none, { name: "weather" });
  const empty = [frames.size, calls.size, routes.length, methods.size, middleware.length];
  assertEquals(empty, [0, 0, 0, 0, 0]);
});

const WRONG: Readonly<Record<string, Partial<OpenRedModule>>> = {
  "no handler at all": { registerPeerHandlers: () => {} },
  "a frame without a handler": { registerPeerHandlers: (peers) => peers.call("ask", CALL) },
  "a sealed call without a handler": {
    registerPeerHandlers: (peers) => peers.frame("report", HANDLER),
  },
  "a frame that is not declared": {
    registerPeerHandlers(peers) {
      WHOLE.registerPeerHandlers!(peers);
      peers.frame("rain", HANDLER);
    },
  },
  "two handlers of one frame": {
    registerPeerHandlers(peers) {
      WHOLE.registerPeerHandlers!(peers);
      peers.frame("report", HANDLER);
    },
  },
  "a frame that is declared as a sealed call": {
    registerPeerHandlers(peers) {
      peers.frame("report", HANDLER);
      peers.frame("ask", HANDLER);
    },
  },
  "a sealed call that is declared as a frame": {
    registerPeerHandlers(peers) {
      peers.call("report", CALL);
      peers.call("ask", CALL);
    },
  },
  "a frame by its whole type": {
    registerPeerHandlers(peers) {
      peers.frame("weather.report", HANDLER);
      peers.call("ask", CALL);
    },
  },
  "a method that was granted and is not there": { registerCryptoMethods: () => {} },
  "a method that was not granted": {
    registerCryptoMethods(methods) {
      methods.method("gale", METHOD);
      methods.method("storm", METHOD);
    },
  },
  "a method twice": {
    registerCryptoMethods(methods) {
      methods.method("gale", METHOD);
      methods.method("gale", METHOD);
    },
  },
  "more than 64 routes": {
    registerRoutes(router) {
      for (let at = 0; at <= 64; at++) router.route("GET", `/r${at}`, () => Promise.resolve({}));
    },
  },
};

for (const [what, changes] of Object.entries(WRONG)) {
  Deno.test(`register() refuses ${what}`, () => {
    assertThrows(() => registered(changes), OpenRedError);
  });
}

Deno.test("register() takes 64 routes, and patterns of exactly their form", () => {
  const withPatterns = (...patterns: string[]) =>
    registered({
      registerRoutes(router) {
        for (const pattern of patterns) {
          router.route("PUT", pattern, () => Promise.resolve({}));
        }
      },
    });
  assertEquals(
    withPatterns(...Array.from({ length: 64 }, (_, at) => `/r${at}`)).routes.length,
    64,
  );
  const good = ["/", "/a", "/:id", "/A.b-c_d~9/:some_name1/x", "/1/2/3/4/5/6/7/8"];
  assertEquals(withPatterns(...good).routes.length, good.length);
  const bad = [
    "",
    "a",
    "//",
    "/a/",
    "/a//b",
    "/:",
    "/:Id",
    "/:__proto__",
    "/a b",
    "/é",
    "/%20",
    "/a?b",
    "/*",
    "/1/2/3/4/5/6/7/8/9",
  ];
  for (const pattern of bad) assertThrows(() => withPatterns(pattern), OpenRedError, pattern);
});
