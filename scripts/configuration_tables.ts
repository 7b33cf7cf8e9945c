/**
 * Writes the tables of docs/CONFIGURATION.md from the options themselves.
 *
 * Usage: `deno run --allow-env --allow-read=docs --allow-write=docs scripts/configuration_tables.ts`
 *
 * @module
 */
import { loadAllCommands } from "../cli/command_list.ts";
import type { OptionSpec } from "../cli/options.ts";
import { parseOptions } from "../directory/options.ts";

/** One row of a table. */
export interface OptionRow {
  readonly flag: string;
  readonly variable: string | null;
  readonly defaultText: string;
  readonly summary: string;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

function renderTable(rows: readonly OptionRow[]): string {
  const lines = rows.map(({ flag, variable, defaultText, summary }) => {
    const name = variable === null ? "–" : `\`${variable}\``;
    return `| \`${flag.replaceAll("|", "\\|")}\` | ${name} | ${cell(defaultText)} | ${
      cell(summary)
    } |`;
  });
  const head = ["| option | variable | default | what it does |", "| --- | --- | --- | --- |"];
  return [...head, ...lines].join("\n");
}

function toRow(spec: OptionSpec<unknown>): OptionRow {
  return {
    flag: spec.value === undefined ? `--${spec.flag}` : `--${spec.flag} <${spec.value}>`,
    variable: spec.variable ?? null,
    defaultText: spec.defaultText,
    summary: spec.summary,
  };
}

/** The options of a command of `openred-central`, read from its help. */
export function centralRows(command: "run" | "doctor" = "run"): readonly OptionRow[] {
  let help = "";
  const out = (text: string) => void (help += text);
  parseOptions([command, "--help"], { version: "", out, err: () => {} });
  const options = help.split(/\n(?= {2}-)/).slice(1).map((text) =>
    text.replace(/\s+/g, " ").trim()
  );
  return options.flatMap((text): OptionRow[] => {
    const [, flag, rest] = /^(--[a-z-]+(?: (?:<[^>]+>|\[[^\]]+\]))?) (.*)$/.exec(text) ?? [];
    if (flag === undefined || rest === undefined) return [];
    const choices = /choices: ((?:"[^"]+"(?:, )?)+)/.exec(rest)?.[1]?.match(/[^", ]+/g);
    const summary = rest.replace(/(?: \([^()]*\))+$/, "");
    return [{
      flag,
      variable: /env: (\w+)/.exec(rest)?.[1] ?? null,
      defaultText: (/default: "?([^,")]+)/.exec(rest)?.[1] ?? "none").replace(/^false$/, "off"),
      summary: choices ? `${summary}: ${choices.join(", ")}` : summary,
    }];
  });
}

/** Every table of the page by the name of its place; a command without options has none. */
export async function configurationTables(): Promise<ReadonlyMap<string, string>> {
  const tables = new Map(
    (["run", "doctor"] as const).map((command) => [
      `openred-central ${command}`,
      renderTable(centralRows(command)),
    ]),
  );
  for (const { name, options } of await loadAllCommands(() => Promise.resolve())) {
    const rows = Object.values(options).map(toRow);
    if (rows.length > 0) tables.set(`openred-node ${name}`, renderTable(rows));
  }
  return tables;
}

/** Puts the tables in their places, between `<!-- table: NAME -->` and `<!-- end -->`. */
export async function fillPage(page: string): Promise<string> {
  const tables = await configurationTables();
  return page.replace(
    /<!-- table: (.*?) -->[\s\S]*?<!-- end -->/g,
    (_, name: string) => `<!-- table: ${name} -->\n\n${tables.get(name) ?? ""}\n\n<!-- end -->`,
  );
}

if (import.meta.main) {
  const url = new URL("../docs/CONFIGURATION.md", import.meta.url);
  await Deno.writeTextFile(url, await fillPage(await Deno.readTextFile(url)));
}
