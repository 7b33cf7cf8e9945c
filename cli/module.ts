/**
 * `openred-node module …`: which modules a node has, and what becomes of them.
 *
 * @module
 */
import type { ModuleDetail } from "../protocol/module_api.ts";
import { type ArgumentSpec, defineCommand, type NodeCommand } from "./command.ts";
import { callCommand } from "./module_call.ts";
import { loadCommand, reloadCommand } from "./module_load.ts";
import { newCommand } from "./module_new.ts";
import { listedModule, printDetail, printModule, printModules } from "./module_view.ts";
import {
  findModule,
  GRANT_WORD,
  NAME_WORD,
  readGrant,
  readGrantName,
  readModuleName,
  readOptionValue,
} from "./module_words.ts";
import { switchOption } from "./options.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const listCommand = defineCommand({
  name: "module list",
  summary: "list modules, what each is at, and how much was granted",
  details:
    "States: running; stopped; failed, with why; needs_grant, which waits for your agreement.\n" +
    "With --json: an array of {name, version, kind, state, why?, sha256?, grants}.\n" +
    "\n" +
    "Examples:\n" +
    "  openred-node module list\n" +
    "  openred-node module list --json |\n" +
    "    jq -r '.[] | select(.state != \"running\") | .name'",
  words: [],
  options: COMMON_OPTIONS,
  async run({ options, out, openNode }) {
    const { modules } = await (await openNode()).modules();
    if (options.json) await out.json(modules.map(listedModule));
    else await printModules(out, modules);
  },
});

const infoCommand = defineCommand({
  name: "module info",
  summary: "print all about one module",
  details: "What stands in quotation marks are the module's own words.\n" +
    "\n" +
    "Example:\n" +
    "  openred-node module info notes",
  words: [NAME_WORD],
  options: COMMON_OPTIONS,
  async run({ options, words, out, openNode }) {
    const name = readModuleName(words[0]);
    const node = await openNode();
    await findModule(node, name);
    const detail = await node.module(name);
    if (options.json) await out.json(detail);
    else await printDetail(out, detail);
  },
});

/** A command that changes one module and prints what it is then. */
function change(
  command: {
    readonly name: "enable" | "disable" | "grant" | "revoke";
    readonly summary: string;
    readonly details: string;
    readonly words?: readonly ArgumentSpec[];
  },
  read: (words: readonly string[]) => Readonly<Record<string, string>> = () => ({}),
): NodeCommand {
  return defineCommand({
    ...command,
    name: `module ${command.name}`,
    words: [NAME_WORD, ...command.words ?? []],
    options: COMMON_OPTIONS,
    async run({ options, words, out, openNode }) {
      const module = readModuleName(words[0]);
      const input = { module, ...read(words) };
      const node = await openNode();
      await findModule(node, module);
      const view = await node.changeModule(command.name, input);
      if (options.json) await out.json(listedModule(view));
      else await printModule(out, view);
    },
  });
}

const unloadCommand = defineCommand({
  name: "module unload",
  summary: "end a module from a file, and forget the file",
  details: "What it keeps stays, unless you say --forget. Built-in modules can be disabled.\n" +
    "\n" +
    "Example:\n" +
    "  openred-node module unload notes --forget",
  words: [NAME_WORD],
  options: {
    ...COMMON_OPTIONS,
    forget: switchOption({
      flag: "forget",
      summary: "delete its rows, its files and its key as well",
    }),
  },
  async run({ options, words, out, openNode }) {
    const module = readModuleName(words[0]);
    const { forget } = options;
    const node = await openNode();
    await findModule(node, module);
    const done = await node.changeModule<unknown>("unload", { module, forget });
    if (options.json) await out.json(done);
    else await out.line(`Unloaded ${module}; ${forget ? "its data is gone" : "its data stays"}`);
  },
});

const setCommand = defineCommand({
  name: "module set",
  summary: "set an option of a module, which starts anew with it",
  details: "A flag takes 1, true, 0 or false. Write -- before a value that begins with -.\n" +
    "\n" +
    "Example:\n" +
    "  openred-node module set notes greeting 'Good morning'",
  words: [
    NAME_WORD,
    { name: "option", summary: "its name, as 'module info' prints it" },
    { name: "value", summary: "what it is from now on" },
  ],
  options: COMMON_OPTIONS,
  async run({ options, words, out, openNode }) {
    const [word, option = "", text = ""] = words;
    const module = readModuleName(word);
    const node = await openNode();
    await findModule(node, module);
    const value = readOptionValue(await node.module(module), { option, text });
    const detail = await node.changeModule<ModuleDetail>("set", { module, option, value });
    if (options.json) await out.json(detail);
    else await printDetail(out, detail);
  },
});

/** All commands about modules. */
export const MODULE_COMMANDS: readonly NodeCommand[] = [
  listCommand,
  infoCommand,
  loadCommand,
  unloadCommand,
  reloadCommand,
  change({
    name: "enable",
    summary: "have a module run, now and at every start",
    details: "Also one that failed and stays stopped: it begins anew.\n\nExample:\n" +
      "  openred-node module enable messaging",
  }),
  change({
    name: "disable",
    summary: "stop a module, now and at every start",
    details: "What it keeps and what was granted stays.\n\nExample:\n" +
      "  openred-node module disable messaging",
  }),
  change({
    name: "grant",
    summary: "give a module something that it asks for",
    details: "'module info' says what it asks for, and why.\n\nExamples:\n" +
      "  openred-node module grant photos peers\n" +
      "  openred-node module grant photos folder:pictures:read=/home/me/pictures",
    words: [GRANT_WORD],
  }, (words) => ({ grant: readGrant(words[1]) })),
  change({
    name: "revoke",
    summary: "take back what was granted, at once",
    details: "The module goes on without it.\n\nExample:\n" +
      "  openred-node module revoke photos folder:pictures:read",
    words: [{ name: "grant", summary: "as it was given; a folder without its path" }],
  }, (words) => ({ grant: readGrantName(words[1]) })),
  setCommand,
  callCommand,
  newCommand,
];
