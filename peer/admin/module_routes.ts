/**
 * The admin API's routes about modules.
 *
 * @module
 */
import type { OptionValue, RouteAccess } from "../../modules/api.ts";
import { jsonResponse, queryOf } from "../../protocol/http.ts";
import {
  type ModuleDetail,
  moduleGrantSchema,
  moduleInputSchema,
  type ModuleLoad,
  moduleLoadSchema,
  moduleOptionSchema,
  moduleQuerySchema,
  moduleUnloadSchema,
  type ModuleView,
} from "../../protocol/module_api.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type { AddPost, RouteLimits } from "./peer_routes.ts";

/** A file of 1 MiB as base64url, and what stands around it. */
const MAX_LOAD_BYTES = 1.5 * 2 ** 20;

/** What the owner may do with modules. Everything may refuse with an `OpenRedError`. */
export interface ModuleKeeper {
  views(): readonly ModuleView[];
  info(name: string): ModuleDetail;
  load(input: ModuleLoad): Promise<ModuleView>;
  unload(name: string, options: { readonly forget: boolean }): Promise<void>;
  reload(name: string): Promise<ModuleView>;
  enable(name: string): Promise<ModuleView>;
  disable(name: string): Promise<ModuleView>;
  grant(name: string, grant: string): Promise<ModuleView>;
  revoke(name: string, grant: string): Promise<ModuleView>;
  setOption(name: string, option: string, value: OptionValue): Promise<ModuleDetail>;
}

type AddGet = (
  path: string,
  handler: (request: Request) => Response,
  access?: RouteAccess,
) => void;

/** Code of others may do something then. */
const GRANTS: RouteLimits = { stepUp: "once" };
const CHANGES: RouteLimits = { stepUp: "recent" };

/** Adds all of them. */
export function addModuleRoutes(
  { get, post }: { readonly get: AddGet; readonly post: AddPost },
  modules: ModuleKeeper,
): void {
  get("/modules", () => jsonResponse({ modules: modules.views() }), { role: "viewer" });
  get("/modules/info", (request) => {
    const query = Object.fromEntries(queryOf(request));
    return jsonResponse(modules.info(parseInput(moduleQuerySchema, query).module));
  });
  const limits = { ...GRANTS, maxBytes: MAX_LOAD_BYTES };
  post("/modules/load", moduleLoadSchema, (input) => modules.load(input), limits);
  post("/modules/unload", moduleUnloadSchema, async ({ module, forget }) => {
    await modules.unload(module, { forget });
    return { module, forget };
  }, CHANGES);
  post("/modules/reload", moduleInputSchema, ({ module }) => modules.reload(module), CHANGES);
  // A module from a file may wait for the owner's agreement, which this is.
  post("/modules/enable", moduleInputSchema, ({ module }) => modules.enable(module), GRANTS);
  post("/modules/disable", moduleInputSchema, ({ module }) => modules.disable(module), CHANGES);
  post(
    "/modules/grant",
    moduleGrantSchema,
    ({ module, grant }) => modules.grant(module, grant),
    GRANTS,
  );
  post("/modules/revoke", moduleGrantSchema, ({ module, grant }) => modules.revoke(module, grant));
  post(
    "/modules/set",
    moduleOptionSchema,
    ({ module, option, value }) => modules.setOption(module, option, value),
    CHANGES,
  );
}
