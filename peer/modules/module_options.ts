/**
 * The options of a module: what its manifest declares, with what the owner has set.
 *
 * @module
 */
import type { OptionValue } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { Manifest, ModuleOption } from "../../protocol/module_manifest.ts";

type Values = Readonly<Record<string, OptionValue>>;

function fits(option: ModuleOption, value: OptionValue): boolean {
  switch (option.type) {
    case "text":
      return typeof value === "string";
    case "flag":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number" && value >= option.min && value <= option.max;
  }
}

/** The value of each option. What was set for another version, and is no value of this one's, is left aside. */
export function optionValues(manifest: Manifest, stored: Values): Values {
  return Object.fromEntries(manifest.options.map((option) => {
    const value = Object.hasOwn(stored, option.name) ? stored[option.name] : undefined;
    return [option.name, value !== undefined && fits(option, value) ? value : option.fallback];
  }));
}

/** @throws {OpenRedError} `bad_request` for an option that the manifest has not, or a value of another form. */
export function checkOption(manifest: Manifest, name: string, value: OptionValue): void {
  const option = manifest.options.find((other) => other.name === name);
  if (option === undefined) {
    const known = manifest.options.map((other) => other.name).join(", ") || "none";
    throw new OpenRedError("bad_request", `The module has no option ${name}; it has ${known}`);
  }
  if (fits(option, value)) return;
  throw new OpenRedError("bad_request", `This is no value of the option ${name}`);
}
