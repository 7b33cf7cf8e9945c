/**
 * Where a browser may let files land without showing a factor.
 *
 * @module
 */
import * as v from "valibot";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import type { RouteAccess } from "../api.ts";

/** Folders of this name are for what lands, and no system runs or reads anything out of them by itself. */
const OWN_FOLDER = "OpenRed";

const landingSchema = v.object({ folder: v.string() });
const madeSchema = v.object({ parent: v.string(), name: v.string() });

function isOwnPlace(folder: string): boolean {
  const parts = folder.split(/[\\/]/);
  return parts.includes(OWN_FOLDER) && !parts.includes("..");
}

/** For routes whose body names the `folder` that something lands in. */
export const LANDS: RouteAccess = {
  stepUp(body) {
    const { folder } = parseInput(landingSchema, parseJson(body));
    return isOwnPlace(folder) ? null : "recent";
  },
};

/** For the route that makes a folder. */
export const MAKES_FOLDER: RouteAccess = {
  stepUp(body) {
    const { parent, name } = parseInput(madeSchema, parseJson(body));
    return isOwnPlace(`${parent}/${name}`) ? null : "recent";
  },
};
