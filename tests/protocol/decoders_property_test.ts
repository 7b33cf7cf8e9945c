import fc from "fast-check";
import type * as v from "valibot";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import * as adminApi from "../../protocol/admin_api.ts";
import * as directoryApi from "../../protocol/directory_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import * as frames from "../../protocol/frames.ts";
import { unverifiedPayload } from "../../protocol/jws.ts";
import * as peerApi from "../../protocol/peer_api.ts";
import { decodeRecord } from "../../protocol/record.ts";
import { parseGrowing, parseInput, parseJson } from "../../protocol/schemas.ts";
import { decodePairStatement } from "../../protocol/statements.ts";
import { recordPayload, testIdentity } from "./signer.ts";
import { anyCodePoint } from "../world/any_code_point.ts";

type ObjectSchema = v.GenericSchema & { entries: Record<string, unknown> };

function isObjectSchema(value: unknown): value is ObjectSchema {
  return typeof value === "object" && value !== null && "kind" in value &&
    value.kind === "schema" && "entries" in value;
}

/** Every exported schema of an object. */
const objectSchemas = Object.values<unknown>({
  ...adminApi,
  ...directoryApi,
  ...frames,
  ...peerApi,
})
  .filter(isObjectSchema);

const memberNames = [...new Set(objectSchemas.flatMap((schema) => Object.keys(schema.entries)))];

/** Objects with the names that some format knows, and values of every kind. */
const almostObject = fc.dictionary(
  fc.constantFrom(...memberNames, "must", "v", "__proto__", "constructor", ""),
  fc.oneof(fc.jsonValue(), fc.constantFrom(3, "QQ", "", "core.ack"), fc.array(fc.string())),
);

const almostRecord = almostObject.map((changes) => recordPayload(testIdentity(1), changes));

function onlyOpenRedError(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof OpenRedError)) throw error;
  }
}

function compact(payload: string): string {
  return `e30.${encodeBase64Url(encodeUtf8(payload))}.QQ`;
}

Deno.test("every schema throws only OpenRedError on arbitrary values", () => {
  if (objectSchemas.length < 15) throw new Error(`Found only ${objectSchemas.length} schemas`);
  const input = fc.oneof(almostObject, fc.jsonValue(), fc.anything());
  fc.assert(
    fc.property(fc.constantFrom(...objectSchemas), input, (schema, value) => {
      onlyOpenRedError(() => parseGrowing(schema, value));
      onlyOpenRedError(() => parseInput(schema, value));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("every schema throws only OpenRedError on arbitrary bytes", () => {
  const bytes = fc.oneof(
    fc.uint8Array(),
    almostObject.map((value) => encodeUtf8(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(fc.constantFrom(...objectSchemas), bytes, fc.nat(), (schema, whole, cut) => {
      onlyOpenRedError(() => parseGrowing(schema, parseJson(whole)));
      onlyOpenRedError(() =>
        parseGrowing(schema, parseJson(whole.subarray(0, cut % (whole.length + 1))))
      );
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decoders of signed texts throw only OpenRedError", () => {
  const payload = fc.oneof(
    almostRecord.map((value) => JSON.stringify(value)),
    fc.json(),
    fc.string({ unit: anyCodePoint }),
  );
  const text = fc.oneof(
    payload.map(compact),
    fc.string({ unit: anyCodePoint }),
    fc.stringMatching(/^[\w.-]*$/),
  );
  fc.assert(
    fc.property(text, (input) => {
      for (const decode of [decodeRecord, decodePairStatement, unverifiedPayload]) {
        onlyOpenRedError(() => decode(input));
      }
    }),
    { numRuns: 1000 },
  );
});
