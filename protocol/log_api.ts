/**
 * The admin API's words about the node's log.
 *
 * @module
 */
import * as v from "valibot";

export const logLevelSchema = v.picklist(["debug", "info", "warn", "error"]);

/** `POST /admin/v1/log`; the answer is a {@linkcode LogView}. */
export const logInputSchema = v.strictObject({ level: logLevelSchema });

/** `GET /admin/v1/log`. */
export interface LogView {
  /** The least that is logged, until the node stops. */
  readonly level: v.InferOutput<typeof logLevelSchema>;
}
