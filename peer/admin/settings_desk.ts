/**
 * The settings that the owner changes while the node runs, for the admin API.
 *
 * @module
 */
import type { KeptSettings } from "../../ports/kept_settings.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { relayAddress } from "../../protocol/relay.ts";
import {
  CHANGEABLE_SETTINGS,
  type ChangeableSetting,
  settingInputSchema,
  type SettingsView,
  type SettingView,
} from "../../protocol/settings_api.ts";
import type { Directories } from "../directories/directories.ts";
import type { NodeEvents } from "../events/events.ts";
import type { OwnRecord } from "../own/own_record.ts";
import type { RelayUse } from "../relay/relay_use.ts";
import type { AddPost } from "./peer_routes.ts";

interface SettingsDeskParts {
  readonly keptSettings?: KeptSettings;
  readonly ownRecord: Pick<OwnRecord, "setAlias">;
  readonly directories: Pick<Directories, "follow" | "announce">;
  readonly relay: Pick<RelayUse, "follow">;
  readonly events: Pick<NodeEvents, "audit">;
}

function countsWhen(name: string): SettingView["counts"] {
  return CHANGEABLE_SETTINGS.some((one) => one === name) ? "now" : null;
}

/** Keeps settings, and has them count at once. */
export class SettingsDesk {
  readonly #parts: SettingsDeskParts;

  constructor(parts: SettingsDeskParts) {
    this.#parts = parts;
  }

  /** @throws {OpenRedError} `not_found` where no settings are kept; `bad_request` for a file that cannot be read. */
  async list(): Promise<SettingsView> {
    const settings = await this.#kept().read();
    return { settings: settings.map((one) => ({ ...one, counts: countsWhen(one.name) })) };
  }

  /**
   * Keeps a setting for the next start, and has it count now.
   * @throws {OpenRedError} `bad_request` for a value that a start would refuse; nothing was changed.
   */
  async change(
    { name, value }: { readonly name: ChangeableSetting; readonly value: string | null },
  ): Promise<SettingsView> {
    const { events } = this.#parts;
    await this.#kept().change(name, value);
    events.audit("setting_changed", { success: true, setting: name });
    await this.#apply(name, value);
    return await this.list();
  }

  async #apply(name: ChangeableSetting, value: string | null): Promise<void> {
    const { ownRecord, directories, relay } = this.#parts;
    if (name === "alias") {
      await ownRecord.setAlias(value);
      directories.announce();
    } else if (name === "directories") {
      await directories.follow(value === null ? [] : value.split(",").map((one) => one.trim()));
    } else {
      await relay.follow(value === null || value === "auto" ? value : relayAddress(value));
    }
  }

  #kept(): KeptSettings {
    const { keptSettings } = this.#parts;
    if (keptSettings !== undefined) return keptSettings;
    throw new OpenRedError("not_found", "This node keeps no settings");
  }
}

/** Adds the route that changes; whom a node registers with asks for a factor, a name does not. */
export function addSettingsRoutes(post: AddPost, desk: SettingsDesk): void {
  post("/settings", settingInputSchema, (input) => desk.change(input), {
    stepUp: ({ name }) => name === "alias" ? null : "recent",
  });
}
