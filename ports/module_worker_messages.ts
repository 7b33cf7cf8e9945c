/**
 * What passes between the house and the Worker around a module's thread, besides the module's own messages, which are
 * buffers.
 *
 * @module
 */
import type { ModuleEnd, ModuleLimits, ModuleStart } from "./module_workers.ts";

/** Its first message. */
export interface OuterStart extends Omit<ModuleStart, "onMessage"> {
  readonly limits: Omit<ModuleLimits, "processBytes">;
}

/** `taken`: one more message of the module was taken. */
export type OuterHears = OuterStart | "taken" | "stop" | ArrayBuffer;

export type OuterSays =
  /** What is posted before this could be lost. */
  | { readonly kind: "ready" }
  | { readonly kind: "loaded" }
  | { readonly kind: "alive"; readonly memoryBytes: number }
  | { readonly kind: "end" } & ModuleEnd;
