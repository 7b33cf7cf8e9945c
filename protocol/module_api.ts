/**
 * What the admin API says of modules, and takes about them.
 *
 * @module
 */
import * as v from "valibot";
import { moduleNameSchema } from "./module_manifest.ts";

/** One module, as `GET /admin/v1/modules` shows it. */
export interface ModuleView {
  readonly name: string;
  readonly version: string;
  readonly kind: "built-in" | "file";
  readonly state: "running" | "stopped" | "failed" | "needs_grant";
  /** Why it does not run. */
  readonly why?: string;
  /** Of the file that was agreed to, hex. */
  readonly sha256?: string;
  /** Names of what was granted. */
  readonly grants: readonly string[];
}

/** `GET /admin/v1/modules`. */
export interface ModulesView {
  readonly modules: readonly ModuleView[];
}

/** `POST /admin/v1/modules/{enable,disable}`; the answer is a {@linkcode ModuleView}. */
export const moduleInputSchema = v.strictObject({ module: moduleNameSchema });
