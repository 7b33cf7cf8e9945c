/**
 * How commands take a permission.
 *
 * @module
 */
import type { ArgumentSpec } from "./command.ts";
import { switchOption } from "./options.ts";

/** The word for a permission. */
export const PERMISSION_WORD: ArgumentSpec = {
  name: "permission",
  summary: "message, files, auth, or a module's own",
};

/** Against mistyped names, a permission that nothing asks for has to be meant. */
export const forceOption = switchOption({
  flag: "force",
  summary: "take a permission that no module asks for",
});
