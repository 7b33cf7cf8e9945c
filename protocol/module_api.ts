/**
 * What the admin API says of modules, and takes about them.
 *
 * @module
 */
import * as v from "valibot";
import { type Manifest, MAX_MODULE_BYTES, moduleNameSchema } from "./module_manifest.ts";
import { maxBytesSchema } from "./schemas.ts";

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

/** `GET /admin/v1/modules/info?module=`. */
export interface ModuleDetail extends ModuleView {
  /** `null` for a module that has never started here. */
  readonly manifest: Manifest | null;
  /** The value of each option. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** What its rows and files take, in bytes. */
  readonly stored_bytes: number;
  /** What it had kept before an older version, or none of its data, was to be used; `null` where that never was. */
  readonly copy: { readonly version: string; readonly bytes: number } | null;
  /** How often it was restarted since the node started. */
  readonly restarts: number;
}

export const moduleQuerySchema = v.strictObject({ module: moduleNameSchema });

/** `POST /admin/v1/modules/{enable,disable,reload}`; the answer is a {@linkcode ModuleView}. */
export const moduleInputSchema = v.strictObject({ module: moduleNameSchema });

const sha256Schema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
/** The name of a grant; for a folder with `=` and its absolute path behind. */
const grantTextSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(4_200));

/**
 * `POST /admin/v1/modules/load`: a file, and what the owner agreed to. The answer is a {@linkcode ModuleView}.
 * `change` says what becomes of a module of this name that has data here: `new` where there is none, `upgrade` and
 * `downgrade` keep its data, `fresh` begins with none. `module` is the name that the owner was shown: a file can say
 * another one each time it is run.
 */
export const moduleLoadSchema = v.strictObject({
  module: v.optional(moduleNameSchema),
  code: v.pipe(maxBytesSchema(MAX_MODULE_BYTES), v.minLength(1)),
  sha256: sha256Schema,
  grants: v.pipe(v.array(grantTextSchema), v.maxLength(16)),
  change: v.picklist(["new", "upgrade", "downgrade", "fresh"]),
});
export type ModuleLoad = v.InferOutput<typeof moduleLoadSchema>;

/** `POST /admin/v1/modules/unload`: `forget` takes its rows, files and key with it. */
export const moduleUnloadSchema = v.strictObject({
  module: moduleNameSchema,
  forget: v.optional(v.boolean(), false),
});

/** `POST /admin/v1/modules/{grant,revoke}`; the answer is a {@linkcode ModuleView}. */
export const moduleGrantSchema = v.strictObject({
  module: moduleNameSchema,
  grant: grantTextSchema,
});

/** `POST /admin/v1/modules/set`; the module starts anew with it. The answer is a {@linkcode ModuleDetail}. */
export const moduleOptionSchema = v.strictObject({
  module: moduleNameSchema,
  option: v.pipe(v.string(), v.maxLength(32)),
  value: v.union([v.string(), v.pipe(v.number(), v.finite()), v.boolean()]),
});
