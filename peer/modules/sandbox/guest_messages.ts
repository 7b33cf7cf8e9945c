/**
 * What a module's thread may say to its host. Everything is somebody else's input: other forms end the module.
 *
 * @module
 */
import * as v from "valibot";
import { integerSchema } from "../../../protocol/schemas.ts";

const MAX_LISTED = 64;
const name = v.pipe(v.string(), v.maxLength(64));
const names = v.pipe(v.array(name), v.maxLength(MAX_LISTED));
const methods = v.picklist(["GET", "POST", "PUT", "DELETE"]);

/** The first message: what the module is, and registers. */
export const helloSchema = v.strictObject({
  kind: v.literal("hello"),
  /** Judged by its own schema. */
  manifest: v.unknown(),
  routes: v.pipe(
    v.array(v.strictObject({ method: methods, pattern: v.pipe(v.string(), v.maxLength(256)) })),
    v.maxLength(MAX_LISTED),
  ),
  frames: names,
  calls: names,
  methods: names,
  middleware: v.pipe(integerSchema, v.maxValue(MAX_LISTED)),
});
export type Hello = v.InferOutput<typeof helloSchema>;

const op = v.pipe(v.string(), v.maxLength(32));

/** A call of the module into its context, a word that nobody answers, or the answer to a call of the host. */
export const guestMessageSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("ask"), number: integerSchema, op, value: v.unknown() }),
  v.strictObject({ kind: v.literal("tell"), op, value: v.unknown() }),
  v.strictObject({
    kind: v.literal("done"),
    number: integerSchema,
    isOk: v.literal(true),
    value: v.unknown(),
  }),
  v.strictObject({
    kind: v.literal("done"),
    number: integerSchema,
    isOk: v.literal(false),
    code: v.nullable(v.pipe(v.string(), v.maxLength(64))),
    text: v.pipe(v.string(), v.maxLength(500)),
  }),
]);
export type GuestMessage = v.InferOutput<typeof guestMessageSchema>;
