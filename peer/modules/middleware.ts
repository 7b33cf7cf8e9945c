/**
 * The middleware of all modules, in the order in which the modules started.
 *
 * @module
 */
import type { MiddlewareCall } from "../../modules/api.ts";
import type { Background } from "../timing/background.ts";
import type { RunningModule } from "./running_module.ts";

interface MiddlewareOptions {
  readonly owner: RunningModule | null;
  readonly background: Background;
}

/**
 * Runs the middleware for a call of a module, or of the node itself. Built-in modules may refuse any call, others their
 * own; of all the rest those are told afterwards.
 * @returns Nothing to wait for where no module has any.
 * @throws What a middleware refuses it with.
 */
export function runMiddleware(
  modules: Iterable<RunningModule>,
  call: MiddlewareCall,
  options: MiddlewareOptions,
): Promise<void> | void {
  const having = [...modules].filter(({ registered }) => registered.middleware.length > 0);
  if (having.length > 0) return runAll(having, call, options);
}

async function runAll(
  modules: readonly RunningModule[],
  call: MiddlewareCall,
  options: MiddlewareOptions,
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
