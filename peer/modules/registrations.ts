/**
 * What a module registers, held against its manifest.
 *
 * @module
 */
import type {
  AskFactors,
  BlockPermutation,
  CallHandler,
  FrameHandler,
  Middleware,
  OpenRedModule,
  PublicRoute,
  RouteAccess,
  RouteHandler,
  RouteMethod,
  SignIn,
  WatchRoute,
} from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { FrameDeclaration, Manifest } from "../../protocol/module_manifest.ts";
import { PUBLIC_PREFIXES } from "../../protocol/peer_api.ts";

export interface Route {
  readonly method: RouteMethod;
  readonly pattern: string;
  readonly handler: RouteHandler;
  readonly access: RouteAccess;
}

export interface Registrations {
  /** By the second half of their types. */
  readonly frames: ReadonlyMap<string, FrameHandler>;
  readonly calls: ReadonlyMap<string, CallHandler>;
  readonly routes: readonly Route[];
  readonly publicRoutes: readonly PublicRoute[];
  readonly watchRoutes: readonly WatchRoute[];
  readonly methods: ReadonlyMap<string, BlockPermutation>;
  readonly middleware: readonly Middleware[];
  readonly signIn: SignIn | null;
  readonly askFactors: AskFactors | null;
}

const MAX_ROUTES = 64;
const PATTERN = /^\/$|^(\/(:[a-z][a-z0-9_]*|[A-Za-z0-9._~-]+)){1,8}$/;

/** Collects handlers by name, each once, and only those that the manifest declares. */
class Handlers<T> {
  readonly #declared: ReadonlySet<string>;
  readonly #what: string;
  readonly found = new Map<string, T>();

  constructor(what: string, declared: Iterable<string>) {
    this.#what = what;
    this.#declared = new Set(declared);
  }

  add(name: string, handler: T): void {
    if (!this.#declared.has(name) || this.found.has(name)) {
      throw refused(`The manifest declares no further ${this.#what} ${name}`);
    }
    this.found.set(name, handler);
  }

  /** @throws {OpenRedError} `bad_request` where the manifest declares what has no handler. */
  whole(): ReadonlyMap<string, T> {
    for (const name of this.#declared) {
      if (!this.found.has(name)) throw refused(`The ${this.#what} ${name} has no handler`);
    }
    return this.found;
  }
}

function typesOf(frames: readonly FrameDeclaration[], answers: boolean): string[] {
  return frames.filter((frame) => frame.answers === answers).map((frame) => frame.type);
}

/**
 * Has a module register all it has.
 * @throws {OpenRedError} `bad_request` where it registers what its manifest does not declare, or leaves out what it does.
 */
export function register(module: OpenRedModule, manifest: Manifest): Registrations {
  const frames = new Handlers<FrameHandler>("frame", typesOf(manifest.frames, false));
  const calls = new Handlers<CallHandler>("sealed call", typesOf(manifest.frames, true));
  const methods = new Handlers<BlockPermutation>(
    "crypto method",
    manifest.grants.flatMap((grant) => grant.kind === "method" ? [grant.name] : []),
  );
  const routes: Route[] = [];
  const publicRoutes: PublicRoute[] = [];
  const watchRoutes: WatchRoute[] = [];
  const middleware: Middleware[] = [];
  module.registerPeerHandlers?.({
    frame: (type, handler) => frames.add(type, handler),
    call: (type, handler) => calls.add(type, handler),
  });
  module.registerRoutes?.({
    route: (method, pattern, handler, access = {}) => {
      checkRoute(pattern, routes);
      routes.push({ method, pattern, handler, access });
    },
  });
  module.registerPublicRoutes?.({
    route: (route) => {
      checkRoute(route.pattern, publicRoutes);
      const prefixes = PUBLIC_PREFIXES.get(manifest.name) ?? [];
      if (!prefixes.some((prefix) => route.pattern.startsWith(prefix))) {
        throw refused(`This is no public path of the module: ${route.pattern}`);
      }
      publicRoutes.push(route);
    },
  });
  module.registerWatchRoutes?.({
    route: (route) => {
      checkRoute(route.path, watchRoutes);
      watchRoutes.push(route);
    },
  });
  module.registerCryptoMethods?.({ method: (name, permutation) => methods.add(name, permutation) });
  module.registerMiddleware?.({ use: (one) => void middleware.push(one) });
  return {
    frames: frames.whole(),
    calls: calls.whole(),
    methods: methods.whole(),
    routes,
    publicRoutes,
    watchRoutes,
    middleware,
    signIn: module.registerSignIn?.() ?? null,
    askFactors: module.registerAskFactors?.() ?? null,
  };
}

/** @throws {OpenRedError} `bad_request`. */
function checkRoute(pattern: string, others: readonly unknown[]): void {
  if (!PATTERN.test(pattern)) throw refused(`This is no pattern of a route: ${pattern}`);
  if (others.length >= MAX_ROUTES) throw refused(`Expected at most ${MAX_ROUTES} routes`);
}

function refused(text: string): OpenRedError {
  return new OpenRedError("bad_request", text);
}
