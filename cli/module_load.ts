/**
 * `openred-node module load <file>`, and `module reload <name> [file]`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { ModuleView } from "../protocol/module_api.ts";
import { isNameFree } from "../protocol/module_manifest.ts";
import type { AdminClient } from "./admin_client.ts";
import { failure, usageError } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import {
  agree,
  AGREEMENT_OPTIONS,
  type AgreementContext,
  checkAgreementOptions,
  type Offer,
} from "./module_agreement.ts";
import { type ModuleFile, readModuleFile } from "./module_file.ts";
import { listedModule, printManifest, printModule } from "./module_view.ts";
import { findModule, NAME_WORD, readModuleName } from "./module_words.ts";
import type { Output } from "./output.ts";

/**
 * The module whose name a file has.
 * @throws {CommandError} Exit code 1 for a name that no file may have here.
 */
async function heldBy(
  { moduleKit }: Pick<AgreementContext, "moduleKit">,
  node: AdminClient,
  name: string,
): Promise<ModuleView | null> {
  const { modules } = await node.modules();
  const held = modules.find((module) => module.name === name) ?? null;
  const others = modules.map((module) => module.name).filter((other) => other !== name);
  const taken = [...await moduleKit.builtInNames(), ...others];
  if (held?.kind !== "built-in" && isNameFree(name, taken)) return held;
  throw failure(`The name ${name} is taken here, or too much like another one`);
}

/** On standard error, where the questions stand as well: whoever answers them has seen it. */
async function show(err: Output, { file, held }: Offer): Promise<void> {
  const { path, code, manifest, sha256 } = file;
  await err.pairs([
    ["File", `${path} (${code.length} bytes)`],
    ["Module", { text: `${manifest.name} ${manifest.version}`, style: "bold" }],
    ["SHA-256", sha256],
    ...(held === null ? [] : [
      ["Replaces", { text: `${held.name} ${held.version}`, style: "yellow" }] as const,
      ["  SHA-256", held.sha256 ?? "–"] as const,
    ]),
  ]);
  await err.line("It says of itself:");
  await err.line(`  "${manifest.summary}"`);
  await printManifest(err, manifest);
  await err.line();
  await err.line({
    text: "Memory: a module that allocates very much at once can end the node.",
    style: "yellow",
  });
}

async function load(
  context: AgreementContext,
  { node, file }: { readonly node: AdminClient; readonly file: ModuleFile },
): Promise<void> {
  const { options, out, err } = context;
  const offer: Offer = { file, held: await heldBy(context, node, file.manifest.name) };
  if (!options.yes || !options.json) await show(err, offer);
  const agreement = await agree(context, offer);
  const code = Buffer.from(file.code).toString("base64url");
  const { manifest: { name: module }, sha256 } = file;
  const view = await node.changeModule("load", { module, code, sha256, ...agreement });
  if (options.json) return await out.json(listedModule(view));
  await printModule(out, view);
}

export const loadCommand = defineCommand({
  name: "module load",
  summary: "load a module from a file, and run it from now on",
  details:
    "Shows what the file says and asks for, then asks you. What you agree to is bound to the\n" +
    "file's SHA-256: a changed file does not run. A module of the same name that is here is\n" +
    "replaced only if you say that the new one may have its data.\n" +
    "\n" +
    "Examples:\n" +
    "  openred-node module load notes/notes.js\n" +
    "  openred-node module load photos.js --yes --sha256 3a1f… \\\n" +
    "    --grant peers --grant folder:pictures:read=/home/me/pictures",
  words: [{ name: "file", summary: "one JavaScript file, at most 1 MiB" }],
  options: AGREEMENT_OPTIONS,
  async run(context) {
    checkAgreementOptions(context);
    const node = await context.openNode();
    await load(context, { node, file: await readModuleFile(context, context.words[0] ?? "") });
  },
});

/** Whether something was agreed to, which is nothing without a file. */
function isAgreeing(options: AgreementContext["options"]): boolean {
  const { yes, sha256, grant, upgrade, downgrade, fresh } = options;
  return yes || sha256 !== null || grant.length > 0 || upgrade || downgrade || fresh;
}

export const reloadCommand = defineCommand({
  name: "module reload",
  summary: "start a module anew, or put another version in its place",
  details:
    "Requests under way go on in the former one for up to 30 s. With a file: as 'module load',\n" +
    "for a module that is here.\n" +
    "\n" +
    "Examples:\n" +
    "  openred-node module reload notes\n" +
    "  openred-node module reload notes notes/notes.js",
  words: [NAME_WORD, {
    name: "file",
    summary: "the file of another version",
    isOptional: true,
  }],
  options: AGREEMENT_OPTIONS,
  async run(context) {
    const { words: [word, path], options, out } = context;
    const name = readModuleName(word);
    checkAgreementOptions(context);
    if (path === undefined && isAgreeing(options)) {
      throw usageError("[file]: say which one is meant");
    }
    const node = await context.openNode();
    await findModule(node, name);
    if (path !== undefined) {
      const file = await readModuleFile(context, path);
      if (file.manifest.name === name) return await load(context, { node, file });
      throw failure(`The file is of a module ${file.manifest.name}, not ${name}`);
    }
    const view = await node.changeModule("reload", { module: name });
    if (options.json) await out.json(listedModule(view));
    else await printModule(out, view);
  },
});
