/**
 * What a restored backup brings back of what was shared: since it was made, the owner may have taken any of it back.
 *
 * @module
 */
import type { ModuleStorage, ModuleTables } from "../api.ts";
import type { Links } from "./links/links.ts";
import type { Requests } from "./links/requests.ts";
import type { Records } from "./records.ts";
import type { Share, Shares } from "./shares.ts";

const WHY = "It came back with a backup, and may have been taken back since; share it again";

export interface RestoredParts {
  readonly storage: Pick<ModuleStorage, "restoredAtMs">;
  readonly tables: ModuleTables;
  readonly records: { readonly shares: Records<Share> };
  readonly shares: Shares;
  readonly links: Links;
  readonly requests: Requests;
}

/** Ends all that was shared before a restoration, once; a start that is killed meanwhile goes on at the next one. */
export async function endRestored(parts: RestoredParts): Promise<void> {
  const { storage: { restoredAtMs }, tables, records, shares, links, requests } = parts;
  if (restoredAtMs === null) return;
  const row = tables.statement("SELECT at FROM file_sharing_restored").get();
  if (row !== undefined && Number(row.at) === restoredAtMs) return;
  for (const { id } of records.shares.all()) await shares.fail(id, WHY);
  for (const { id } of links.all()) await links.fail(id, WHY);
  for (const { id } of requests.all()) await requests.revoke(id);
  await tables.write(() => {
    tables.statement("DELETE FROM file_sharing_restored").run();
    tables.statement("INSERT INTO file_sharing_restored (at) VALUES (?)").run(restoredAtMs);
  });
}
