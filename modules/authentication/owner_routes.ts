/**
 * What the command line asks of authentication.
 *
 * @module
 */
import type { AuthenticationView } from "../../protocol/sign_in_api.ts";
import type { ModuleRouter, RouteAccess } from "../api.ts";
import { viewFactors } from "./factor_routes.ts";
import type { SignInParts } from "./sign_in_parts.ts";

const SHELL: RouteAccess = { isForShell: true };

/** Registers the routes. @param now What runs. */
export function registerOwnerRoutes(router: ModuleRouter, now: () => SignInParts): void {
  router.route("GET", "/factors", () => {
    const json: AuthenticationView = {
      factors: viewFactors(now(), null),
      sessions: now().sessions.views(null),
    };
    return Promise.resolve({ json });
  }, SHELL);
  router.route("POST", "/reset", async () => ({ json: await reset(now()) }), SHELL);
}

/** Takes all factors away and ends what was begun by them: the next link signs in by itself again. */
async function reset({ store, devices, sessions, audit }: SignInParts) {
  const factors = store.all;
  for (const { id } of factors) await store.remove(id);
  await devices.forgetAll();
  const ended = sessions.end(() => true);
  audit?.noteOwn("factors_reset", { success: true, factors: factors.length }, "owner");
  return { removed: factors.length, ended };
}
