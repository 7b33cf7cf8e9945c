/**
 * What the owner agrees to before a module's file is loaded: on a terminal question by question, else word by word.
 *
 * @module
 */
import type { ModuleView } from "../protocol/module_api.ts";
import { grantName } from "../protocol/module_manifest.ts";
import { failure, usageError } from "./command_error.ts";
import type { CommandContext } from "./command.ts";
import {
  type Change,
  CHANGE_OPTIONS,
  checkChange,
  givenChange,
  kindOfChange,
} from "./module_change.ts";
import type { ModuleFile } from "./module_file.ts";
import { NOTHING_LOADED, Questions } from "./module_questions.ts";
import { parseGrant } from "./module_words.ts";
import { parseSha256 } from "./option_values.ts";
import { listOption, type OptionSpec, switchOption, valueOption } from "./options.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const sha256Option: OptionSpec<string | null> = valueOption<string | null>({
  flag: "sha256",
  value: "HEX",
  summary: "load the file only if this is its SHA-256",
  defaultText: "none",
  fallback: null,
  parse: parseSha256,
});

export const AGREEMENT_OPTIONS = {
  ...COMMON_OPTIONS,
  yes: switchOption({
    flag: "yes",
    summary: "ask nothing: needs --sha256, and --grant for each grant that it asks for",
  }),
  sha256: sha256Option,
  grant: listOption<string>({
    flag: "grant",
    value: "GRANT",
    summary: "give this; a folder as folder:NAME:read=/path; repeatable",
    parseItem: parseGrant,
  }),
  ...CHANGE_OPTIONS,
};

export type AgreementContext = CommandContext<typeof AGREEMENT_OPTIONS>;

/** What is sent along with the file. */
export interface Agreement {
  readonly grants: readonly string[];
  readonly change: Change;
}

/** A file, with the module whose name it has, if there is one. */
export interface Offer {
  readonly file: ModuleFile;
  readonly held: ModuleView | null;
}

/** @throws {CommandError} Exit code 2 for options that cannot be meant, before anything else happens. */
export function checkAgreementOptions({ options }: AgreementContext): void {
  givenChange(options);
  if (options.yes && options.sha256 === null) {
    throw usageError("--yes: say which file is meant with --sha256 HEX");
  }
}

/**
 * Takes what was said by options, and asks for the rest.
 * @throws {CommandError} Exit code 1 where the owner does not agree or cannot be asked, 2 for options that do not fit
 *   the file, 130 for Ctrl-C.
 */
export async function agree(context: AgreementContext, offer: Offer): Promise<Agreement> {
  const { options } = context;
  const { sha256 } = offer.file;
  if (options.sha256 !== null && options.sha256 !== sha256) {
    throw failure(`This is another file: its SHA-256 is ${sha256}`);
  }
  const given = givenGrants(offer, options.grant);
  if (!options.yes) return await askFor(context, offer, given);
  if (!isWhole(offer, given) || (offer.held !== null && givenChange(options) === null)) {
    throw await missingWords(context, offer);
  }
  return { grants: [...given.values()], change: changeOf(givenChange(options), offer) };
}

async function askFor(
  context: AgreementContext,
  offer: Offer,
  given: ReadonlyMap<string, string>,
): Promise<Agreement> {
  const { file: { manifest }, held } = offer;
  const { name, version } = manifest;
  const questions = new Questions(context, () => missingWords(context, offer));
  let change = changeOf(givenChange(context.options), offer);
  if (held !== null && change === "new") {
    change = kindOfChange(held, version);
    const whom = change === "downgrade" ? `the OLDER ${version}` : version;
    await questions.agree(
      `${name} ${held.version} has data here. Give it to ${whom}?`,
      `${NOTHING_LOADED}; --fresh deletes the data instead`,
    );
  }
  const grants: string[] = [];
  for (const grant of manifest.grants) {
    const text = given.get(grantName(grant)) ?? await questions.grant(grant);
    if (text !== null) grants.push(text);
  }
  await questions.agree(`Load ${name} ${version}?`);
  return { grants, change };
}

/** @throws {CommandError} Exit code 2 for a grant that the file does not ask for. */
function givenGrants(
  { file: { manifest } }: Offer,
  texts: readonly string[],
): ReadonlyMap<string, string> {
  const asked = manifest.grants.map(grantName);
  return new Map(texts.map((text) => {
    const name = text.split("=", 1)[0] ?? "";
    if (asked.includes(name)) return [name, text];
    const list = asked.length === 0 ? "it asks for none" : `it asks for ${asked.join(", ")}`;
    throw usageError(`--grant: ${manifest.name} does not ask for ${name}; ${list}`);
  }));
}

function isWhole({ file }: Offer, given: ReadonlyMap<string, string>): boolean {
  return file.manifest.grants.every((grant) => given.has(grantName(grant)));
}

function changeOf(given: ReturnType<typeof givenChange>, { file, held }: Offer): Change {
  if (given === null) return "new";
  const { version } = file.manifest;
  return held === null ? given : checkChange(given, { held, version });
}

/** Prints the words that agree to all of it: they can be longer than an error may be. */
async function missingWords({ err }: AgreementContext, { file, held }: Offer): Promise<Error> {
  const { manifest, sha256 } = file;
  const names = manifest.grants.map(grantName);
  const flags = [
    "--yes",
    `--sha256 ${sha256}`,
    ...names.map((name) => `--grant ${name}${name.startsWith("folder:") ? "=/the/folder" : ""}`),
    ...(held === null ? [] : [`--${kindOfChange(held, manifest.version)}`]),
  ];
  await err.line();
  await err.line("All of it is agreed to with:");
  for (const flag of flags) await err.line(`  ${flag}`);
  return failure(
    `${NOTHING_LOADED}: nobody can be asked here, and the words above were not all given`,
  );
}
