/**
 * What a Worker may do at its beginning to run behind the other threads of its process.
 *
 * @module
 */
import { PRIORITY_PERMISSIONS } from "../crypto/interface.ts";
import { NO_PERMISSIONS } from "./worker_permissions.ts";

/** Nothing where the program may not, or where it would be the whole process that steps behind. */
export function priorityPermissions(): Deno.PermissionOptionsObject {
  const isGranted = Deno.build.os === "linux" &&
    PRIORITY_PERMISSIONS.every((kind) =>
      Deno.permissions.querySync({ name: "sys", kind }).state === "granted"
    );
  return isGranted ? { ...NO_PERMISSIONS, sys: [...PRIORITY_PERMISSIONS] } : NO_PERMISSIONS;
}
