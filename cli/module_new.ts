/**
 * `openred-node module new <name>`.
 *
 * @module
 */
import { isNameFree } from "../protocol/module_manifest.ts";
import { failure } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import { skeletonOf } from "./module_skeleton.ts";
import { NAME_WORD, readModuleName } from "./module_words.ts";
import { parsePath } from "./option_values.ts";
import { valueOption } from "./options.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

/** Writes a module that works, to be changed into another one. */
export const newCommand = defineCommand({
  name: "module new",
  summary: "begin a module: write a folder with one that works",
  details:
    "Makes NAME/NAME.js and NAME/README.md. The folder must not exist; no node is needed.\n" +
    "\n" +
    "Example:\n" +
    "  openred-node module new notes && openred-node module load notes/notes.js",
  words: [{ ...NAME_WORD, summary: "3 to 32 of a–z, 0–9 and _, a letter first" }],
  options: {
    dir: valueOption<string>({
      flag: "dir",
      value: "DIR",
      summary: "the folder to make it in",
      defaultText: ".",
      fallback: ".",
      parse: parsePath,
    }),
    json: COMMON_OPTIONS.json,
  },
  async run({ options, words, out, moduleKit }) {
    const name = readModuleName(words[0]);
    if (!isNameFree(name, await moduleKit.builtInNames())) {
      throw failure(`The name ${name} is reserved, or too much like one that is`);
    }
    const folder = `${options.dir}/${name}`;
    const files = skeletonOf(name);
    await moduleKit.createFolder(folder, files);
    const paths = Object.keys(files).map((file) => `${folder}/${file}`);
    if (options.json) return await out.json({ name, files: paths });
    await out.pairs(paths.map((path) => ["Written", path] as const));
    await out.line(`Load it with: openred-node module load ${paths[0]}`);
  },
});
