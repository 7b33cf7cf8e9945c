/**
 * How modules are printed. What a module says of itself stands in quotation marks, on a line of its own.
 *
 * @module
 */
import type { ModuleDetail, ModuleView } from "../protocol/module_api.ts";
import {
  type Grant,
  grantName,
  type Manifest,
  type ModuleOption,
  permissionOf,
} from "../protocol/module_manifest.ts";
import type { Cell, Output, Style } from "./output.ts";

/** What a version is cut to in a table that is wider than the terminal. */
const SHORT_VERSION_LENGTH = 14;

const STYLES: Readonly<Record<ModuleView["state"], Style>> = {
  running: "green",
  stopped: "dim",
  failed: "red",
  needs_grant: "yellow",
};

/** What `module list --json` promises of a module, and no more. */
export function listedModule(module: ModuleView): ModuleView {
  const { name, version, kind, state, why, sha256, grants } = module;
  return {
    name,
    version,
    kind,
    state,
    ...(why === undefined ? {} : { why }),
    ...(sha256 === undefined ? {} : { sha256 }),
    grants,
  };
}

function versionCell(version: string): Cell {
  const short = `${version.slice(0, SHORT_VERSION_LENGTH)}…`;
  return { text: version, ...(version.length > short.length ? { short } : {}) };
}

/** At most 80 columns wide; why a module does not run stands below. */
export async function printModules(out: Output, modules: readonly ModuleView[]): Promise<void> {
  if (modules.length === 0) return await out.line("No modules");
  const rows = modules.map((module): readonly Cell[] => [
    { text: module.name, style: "bold" },
    versionCell(module.version),
    { text: module.kind },
    { text: module.state, style: STYLES[module.state] },
    { text: String(module.grants.length) },
  ]);
  await out.table(["NAME", "VERSION", "KIND", "STATE", "GRANTS"], rows);
  const troubled = modules.filter(({ why }) => why !== undefined);
  if (troubled.length > 0) await out.line();
  for (const { name, why } of troubled) {
    await out.line({ text: `! ${name}: `, style: "yellow" }, why ?? "");
  }
}

function pairsOf(module: ModuleView): (readonly [string, Cell | string])[] {
  return [
    ["Module", { text: `${module.name} ${module.version}`, style: "bold" }],
    ["State", { text: module.state, style: STYLES[module.state] }],
    ...(module.why === undefined ? [] : [["Why", module.why] as const]),
    ...(module.sha256 === undefined ? [] : [["SHA-256", module.sha256] as const]),
    ["Grants", module.grants.join(", ") || "none"],
  ];
}

/** What became of a module that was changed. */
export async function printModule(out: Output, module: ModuleView): Promise<void> {
  await out.pairs(pairsOf(module));
}

/** What a grant lets a module do, in words of the house. */
function meaningOf(grant: Grant): string {
  switch (grant.kind) {
    case "fetch":
      return `send requests to ${grant.origin} and read the answers`;
    case "folder":
      return grant.access === "read"
        ? "read every file of a folder that you name"
        : "read and change every file of a folder that you name";
    case "peers":
      return "see all peers of this node: ids, your names for them, who is connected";
    case "method":
      return `bring the crypto method ${grant.name} for pairs with peers who have it too`;
  }
}

async function printList(out: Output, title: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await out.line();
  await out.line({ text: title, style: "bold" });
  for (const line of lines) await out.line(`  ${line}`);
}

/** What a module takes, brings and asks for. */
export async function printManifest(out: Output, manifest: Manifest): Promise<void> {
  const { name, permissions, services, frames, grants } = manifest;
  await printList(
    out,
    "It takes from peers",
    frames.map((frame) => {
      const kind = frame.answers ? "sealed call" : "frame";
      return `${name}.${frame.type} (${kind}; needs the permission ${
        permissionOf(manifest, frame)
      })`;
    }),
  );
  await printList(out, "Permissions of its own", permissions);
  await printList(out, "It tells everybody that this node serves", services);
  await printList(
    out,
    "It asks you for",
    grants.flatMap((grant) => [
      `${grantName(grant)}: to ${meaningOf(grant)}`,
      `  its reason: "${grant.why}"`,
    ]),
  );
}

function copyPairs({ copy }: ModuleDetail): [string, string][] {
  return copy === null ? [] : [["Copy", `${copy.bytes} bytes, as ${copy.version} had kept them`]];
}

function optionRow(option: ModuleOption, { options }: ModuleDetail): readonly Cell[] {
  const kind = option.type === "number" ? `${option.min} to ${option.max}` : option.type;
  const value = options[option.name] ?? option.fallback;
  return [{ text: option.name, style: "bold" }, { text: kind }, { text: String(value) }];
}

/** All that is known of a module. */
export async function printDetail(out: Output, detail: ModuleDetail): Promise<void> {
  await out.pairs([
    ...pairsOf(detail),
    ["Kind", detail.kind],
    ["Keeps", `${detail.stored_bytes} bytes`],
    ["Restarts", String(detail.restarts)],
    ...copyPairs(detail),
  ]);
  const { manifest } = detail;
  if (manifest === null) return await out.line("It has never started since the node runs.");
  await out.line(`"${manifest.summary}"`);
  await printManifest(out, manifest);
  if (manifest.options.length === 0) return;
  await out.line();
  await out.table(
    ["OPTION", "TAKES", "VALUE"],
    manifest.options.map((option) => optionRow(option, detail)),
  );
}
