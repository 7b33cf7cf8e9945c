/**
 * The OpenAPI 3.1 document, made from the schemas that validate.
 *
 * @module
 */
import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { PROOF_HEADER } from "../protocol/directory_api.ts";
import { ERROR_STATUS, type ErrorCode } from "../protocol/errors.ts";
import { problemSchema } from "../protocol/directory_api.ts";
import { nodeIdSchema } from "../protocol/schemas.ts";
import { type Route, ROUTES } from "./routes.ts";

type Json = Readonly<Record<string, unknown>>;

/** Any call may be refused with these. */
const COMMON_CODES = ["rate_limited", "overloaded"] as const satisfies readonly ErrorCode[];

function schemaOf(schema: v.GenericSchema): Json {
  const { $schema: _, ...json } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: "input",
    // What no JSON Schema can say, such as a signature's form in full, stays with the prose.
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema }) =>
      valibotSchema === nodeIdSchema
        ? { type: "string", pattern: "^z[1-9A-HJ-NP-Za-km-z]{40,63}$" }
        : undefined,
  });
  return json as Json;
}

function content(schema: Route["answer"]["schema"]): Json {
  if (schema === "text") return { "text/plain": { schema: { type: "string" } } };
  const json = schema === "json" ? { type: "object" } : schemaOf(schema);
  return { "application/json": { schema: json } };
}

function refusals(codes: readonly ErrorCode[]): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [...codes, ...COMMON_CODES]) {
    const status = ERROR_STATUS[code];
    byStatus.set(status, [...byStatus.get(status) ?? [], code]);
  }
  const answers = [...byStatus].map(([status, ofStatus]) => [status, {
    description: ofStatus.join(", "),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  }]);
  return Object.fromEntries(answers);
}

function parameters(route: Route): Json[] {
  const list: Json[] = [];
  if (route.path.includes("/:id")) {
    list.push({ name: "id", in: "path", required: true, schema: schemaOf(nodeIdSchema) });
  }
  if (route.isProven) {
    list.push({ name: PROOF_HEADER, in: "header", required: true, schema: { type: "string" } });
  }
  if (route.query === null) return list;
  const { properties } = schemaOf(route.query) as { properties: Record<string, Json> };
  for (const [name, schema] of Object.entries(properties)) {
    list.push({ name, in: "query", required: false, schema });
  }
  return list;
}

function operation(route: Route): Json {
  const { answer, request } = route;
  return {
    operationId: route.name,
    summary: route.summary,
    parameters: parameters(route),
    ...(request === null ? {} : { requestBody: { required: true, content: content(request) } }),
    responses: {
      [answer.status]: { description: route.summary, content: content(answer.schema) },
      ...refusals(route.codes),
    },
  };
}

/** Describes every route of a directory. */
export function describeApi(options: { readonly url: string; readonly version: string }): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "OpenRed directory", version: options.version, license: { name: "MIT" } },
    servers: [{ url: options.url }],
    paths,
    components: { schemas: { Problem: schemaOf(problemSchema) } },
  };
}
