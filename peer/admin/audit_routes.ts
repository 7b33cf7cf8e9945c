/**
 * The audit log in the admin API.
 *
 * @module
 */
import type * as v from "valibot";
import type { NodeId } from "../../crypto/encoding.ts";
import type { RouteAccess } from "../../modules/api.ts";
import {
  auditExportQuerySchema,
  auditQuerySchema,
  auditVerifyQuerySchema,
} from "../../protocol/audit_api.ts";
import { jsonResponse, queryOf } from "../../protocol/http.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type { AuditDesk } from "./audit_desk.ts";

type AddGet = (
  path: string,
  handler: (request: Request) => Promise<Response> | Response,
  access?: RouteAccess,
) => void;

const VIEW: RouteAccess = { role: "viewer" };

function inputOf<const S extends v.GenericSchema>(request: Request, schema: S): v.InferOutput<S> {
  return parseInput(schema, Object.fromEntries(queryOf(request)));
}

/**
 * Adds the routes of the audit log.
 * @param resolve Says which id a word for a peer means.
 */
export function addAuditRoutes(
  get: AddGet,
  desk: AuditDesk,
  resolve: (peer: string) => NodeId,
): void {
  get(
    "/audit",
    async (request) => {
      const { signal } = request;
      return jsonResponse(
        await desk.show(inputOf(request, auditQuerySchema), { resolve, signal }),
      );
    },
    VIEW,
  );
  get("/audit/head", () => jsonResponse(desk.head()), VIEW);
  get(
    "/audit/export",
    (request) => desk.export(inputOf(request, auditExportQuerySchema), resolve),
  );
  get("/audit/verify", (request) => desk.verify(inputOf(request, auditVerifyQuerySchema)));
}
