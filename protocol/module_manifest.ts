/**
 * What a module says of itself, and what it asks of the node's owner (docs/MODULES.md, "The manifest").
 *
 * @module
 */
import * as v from "valibot";
import { OpenRedError } from "./errors.ts";
import { requirementSchema } from "./factor_level.ts";
import { isOneLine } from "./one_line.ts";
import { permissionSchema } from "./peer_name.ts";
import { nameSchema, parseInput } from "./schemas.ts";

/** The version of the contract in `modules/api.ts`. */
export const MODULE_API = 1;

/** The largest file of a module. */
export const MAX_MODULE_BYTES = 2 ** 20;

const MAX_SUMMARY_LENGTH = 200;
const MAX_TEXT_OPTION_LENGTH = 4_096;
const MAX_FOLDER_NAME_LENGTH = 32;

/** A text that is shown on one line: no control, direction or invisible character. */
const lineSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(MAX_SUMMARY_LENGTH),
  v.check(isOneLine, "one line"),
);

/** A module's name: 3 to 32 of `a–z 0–9 _`, a letter first. */
export const moduleNameSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{2,31}$/));

/** The second half of a frame's type. */
const frameNameSchema = v.pipe(v.string(), v.regex(/^[a-z0-9_]{1,32}$/));
const memberSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,31}$/));
const optionNameSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,31}$/));
const folderNameSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_]*$/),
  v.maxLength(MAX_FOLDER_NAME_LENGTH),
);

/** An `https` origin, exactly as WHATWG URL writes it. */
const originSchema = v.pipe(
  v.string(),
  v.maxLength(256),
  v.check((text) => {
    const url = URL.parse(text);
    return url !== null && url.protocol === "https:" && url.origin === text;
  }, "an https origin"),
);

/** What a module asks of the owner beyond its own frames, routes and storage. */
export const grantSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("fetch"), origin: originSchema, why: lineSchema }),
  v.strictObject({
    kind: v.literal("folder"),
    name: folderNameSchema,
    access: v.picklist(["read", "write"]),
    why: lineSchema,
  }),
  v.strictObject({ kind: v.literal("peers"), why: lineSchema }),
  v.strictObject({ kind: v.literal("method"), name: moduleNameSchema, why: lineSchema }),
]);
export type Grant = v.InferOutput<typeof grantSchema>;

const optionSchema = v.variant("type", [
  v.strictObject({
    type: v.literal("text"),
    name: optionNameSchema,
    summary: lineSchema,
    fallback: v.pipe(v.string(), v.maxLength(MAX_TEXT_OPTION_LENGTH)),
  }),
  v.strictObject({
    type: v.literal("number"),
    name: optionNameSchema,
    summary: lineSchema,
    fallback: v.pipe(v.number(), v.finite()),
    min: v.pipe(v.number(), v.finite()),
    max: v.pipe(v.number(), v.finite()),
  }),
  v.strictObject({
    type: v.literal("flag"),
    name: optionNameSchema,
    summary: lineSchema,
    fallback: v.boolean(),
  }),
]);
export type ModuleOption = v.InferOutput<typeof optionSchema>;

const frameSchema = v.pipe(
  v.strictObject({
    /** The second half of its type; the first is the module's name. */
    type: frameNameSchema,
    /** What its peer must be allowed; the module's first permission, or its name, unless it says so. */
    permission: v.optional(permissionSchema),
    /** The header members that it understands: a frame that insists on another one is dropped. */
    members: v.optional(v.pipe(v.array(memberSchema), v.maxLength(32)), []),
    /** Whether it is a sealed call, which is answered. */
    answers: v.optional(v.boolean(), false),
    /** Whether a stranger may send it as a contact request. */
    strangers: v.optional(v.boolean(), false),
    /** The factor that the caller's owner shows before a call is taken. */
    requires: v.optional(requirementSchema),
  }),
  v.check(({ answers, requires }) => answers || requires === undefined, "a call that requires"),
);
export type FrameDeclaration = v.InferOutput<typeof frameSchema>;

export const manifestSchema = v.strictObject({
  name: moduleNameSchema,
  version: v.pipe(v.string(), v.regex(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$/)),
  api: v.literal(MODULE_API),
  /** One line for people. */
  summary: lineSchema,
  /** What the node's record says it serves while the module runs. */
  services: v.optional(v.pipe(v.array(nameSchema), v.maxLength(8)), []),
  permissions: v.optional(v.pipe(v.array(permissionSchema), v.maxLength(8)), []),
  grants: v.optional(v.pipe(v.array(grantSchema), v.maxLength(16)), []),
  options: v.optional(v.pipe(v.array(optionSchema), v.maxLength(32)), []),
  frames: v.optional(v.pipe(v.array(frameSchema), v.maxLength(32)), []),
});
/** A manifest as an author writes it: what has a default may be left out. */
export type ManifestInput = v.InferInput<typeof manifestSchema>;
export type Manifest = v.InferOutput<typeof manifestSchema>;

/**
 * Checks what a module from a file says of itself.
 * @throws {OpenRedError} `bad_request` for another form, permissions that are not the module's own, and a frame that
 *   strangers may send.
 */
export function readFileManifest(input: unknown): Manifest {
  const manifest = parseInput(manifestSchema, input);
  const { name, permissions, frames } = manifest;
  const isOwn = (word: string) => word === name || word.startsWith(`${name}_`);
  if (!permissions.every(isOwn) || !frames.every(({ permission = name }) => isOwn(permission))) {
    throw new OpenRedError("bad_request", `The permissions of this module begin with ${name}`);
  }
  if (frames.some(({ strangers }) => strangers)) {
    throw new OpenRedError("bad_request", "A module from a file hears nothing of strangers");
  }
  return manifest;
}

/** How a grant is named where one is given or taken back: `fetch:https://…`, `folder:photos:read`, `peers`, `method:x`. */
export function grantName(grant: Grant): string {
  switch (grant.kind) {
    case "fetch":
      return `fetch:${grant.origin}`;
    case "folder":
      return `folder:${grant.name}:${grant.access}`;
    case "method":
      return `method:${grant.name}`;
    case "peers":
      return "peers";
  }
}

/** The words by which a module's own frames and calls are allowed. */
export function permissionsOf(
  manifest: Pick<Manifest, "name" | "permissions" | "frames">,
): ReadonlySet<string> {
  const framed = manifest.frames.map((frame) => permissionOf(manifest, frame));
  return new Set([manifest.name, ...manifest.permissions, ...framed]);
}

/** The permission that a frame of a module needs. */
export function permissionOf(
  manifest: Pick<Manifest, "name" | "permissions">,
  frame: Pick<FrameDeclaration, "permission">,
): string {
  return frame.permission ?? manifest.permissions[0] ?? manifest.name;
}

const RESERVED = ["core", "admin", "console", "auth", "openred"];

/** What two module names have in common that people take for one: no `_`, and what looks alike is one letter. */
export function foldModuleName(name: string): string {
  return name.replaceAll("_", "").replaceAll("0", "o").replace(/[1i]/g, "l").replaceAll("rn", "m");
}

/**
 * Whether a module from a file may have this name.
 * @param taken Every other name: those of built-in modules and of modules that are there.
 */
export function isNameFree(name: string, taken: readonly string[]): boolean {
  const folded = foldModuleName(name);
  return ![...RESERVED, ...taken].some((other) => foldModuleName(other) === folded);
}
