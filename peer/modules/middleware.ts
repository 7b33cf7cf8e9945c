/**
 * The middleware of all modules, in the order in which the modules started.
 *
 * @module
 */
import type { MiddlewareCall } from "../../modules/api.ts";
import type { Background } from "../timing/background.ts";
import type { RunningModule } from "./running_module.ts";

/**
 * Runs the middleware for a call of a module, or of the node itself. Built-in modules may refuse any call, others their
 * own; of all the rest those are told afterwards.
 * @throws What a middleware refuses it with.
 */
export async function runMiddleware(
  modules: Iterable<RunningModule>,
  call: MiddlewareCall,
  options: { readonly owner: RunningModule | null; readonly background: Background },
): Promise<void> {
  for (const module of modules) {
    const mayRefuse = module.kind === "built-in" || module === options.owner;
    for (const middleware of module.registered.middleware) {
      const run = () => module.run(async () => await middleware(call));
      if (mayRefuse) await run();
      else options.background.run("middleware", run());
    }
  }
}
