/**
 * Who asks at the admin API, and what that one may.
 *
 * @module
 */
import type { RouteAccess, SignedIn } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { StepUp } from "../../protocol/sign_in_api.ts";

/** `null`: a program that has the admin token, which may do everything. */
export type Caller = SignedIn | null;

/** What is asked for. */
export interface Asked {
  readonly method: string;
  /** The path, without a query. */
  readonly path: string;
  readonly body: Uint8Array;
}

/** @param widens Whether somebody, or somebody's code, may do more after the request than before. */
export function stepUpIf(widens: boolean): StepUp | null {
  return widens ? "recent" : null;
}

/** @throws {OpenRedError} `forbidden` for a viewer where only the owner may. */
export function checkRole(
  caller: Caller,
  { role = "owner", isForShell = false }: RouteAccess,
): void {
  if (caller === null) return;
  if (isForShell) throw new OpenRedError("forbidden", "This is for the command line alone");
  if (role === "viewer" || caller.role === "owner") return;
  throw new OpenRedError("forbidden", "Whoever may only look cannot ask for this");
}

/** @throws {OpenRedError} `step_up_required` where a factor has to be shown first; `forbidden`. */
export async function checkAccess(
  caller: Caller,
  access: RouteAccess,
  { method, path, body }: Asked,
): Promise<void> {
  checkRole(caller, access);
  if (caller === null) return;
  const { stepUp: asked = null } = access;
  const stepUp = typeof asked === "function" ? await asked(body) : asked;
  if (stepUp !== null) await caller.demand(stepUp, { action: `${method} ${path}`, body });
}
