import { Ajv, type ValidateFunction } from "ajv";
import formats from "ajv-formats";

import { createMatcher, decodeParameters } from "../api/match-operation.ts";
import { operations as served } from "../api/operations.ts";
import type { Exchange } from "../exchange.ts";
import {
  readGitHubDescription,
  type DescribedOperation,
  type OpenApiSchema,
} from "./github-description.ts";
import { schemaId, toJsonSchema } from "./to-json-schema.ts";

/** What GitHub's description says of one request and its answer. */
export interface Verdict {
  /** Undefined for what the description, as it was cut, does not know. */
  operation: string | undefined;
  /** Such as `pulls/merge 405`. */
  pair: string;
  requestViolations: string[];
  responseViolations: string[];
}

export interface GitHubContract {
  /** The package that the description comes from. */
  source: string;
  /** The ids of all operations that are described. */
  operations: string[];
  check(exchange: Exchange): Verdict;
}

/**
 * What GitHub answers anywhere, and describes in prose and not for each operation: bad credentials,
 * no permission, what may not be seen, rate limits, unusable bodies, its own failures.
 */
const ANYWHERE: ReadonlyMap<number, readonly string[]> = new Map([
  [301, ["basic-error"]],
  [400, ["basic-error"]],
  [401, ["basic-error"]],
  [403, ["basic-error"]],
  [404, ["basic-error"]],
  [413, ["basic-error"]],
  [415, ["basic-error"]],
  [422, ["validation-error", "validation-error-simple"]],
  [429, ["basic-error"]],
  [500, ["basic-error"]],
  [502, ["basic-error"]],
  [503, ["basic-error"]],
  [504, ["basic-error"]],
]);

/** Text instead of JSON, for clients that ask for it. */
const TEXT_MEDIA = /application\/vnd\.github(?:\.v3)?\.(?:diff|patch|raw|sha)\b/u;

export function createGitHubContract(): GitHubContract {
  const description = readGitHubDescription();
  const byId = new Map(description.operations.map((operation) => [operation.id, operation]));
  // In the forge's order, since the first that fits counts.
  const match = createMatcher(served);
  const validate = createValidators(description.schemas);

  return {
    source: description.source,
    operations: [...byId.keys()].sort(),
    check(exchange) {
      const [path = "", query = ""] = exchange.path.split("?", 2);
      const found = match(exchange.method, path);
      const operation = found && byId.get(found.operation.id);
      if (found === undefined || operation === undefined) {
        return unknownCall(exchange, validate);
      }
      return {
        operation: operation.id,
        pair: `${operation.id} ${exchange.status}`,
        requestViolations: checkRequest(operation, found, query, exchange, validate),
        responseViolations: checkResponse(operation, exchange, validate),
      };
    },
  };
}

type Validate = (schema: OpenApiSchema, value: unknown, how: "as it is" | "from text") => string[];

function createValidators(schemas: Record<string, OpenApiSchema>): Validate {
  const options = { strict: true, strictTypes: false, strictRequired: false, allErrors: true };
  const instances = {
    "as it is": new Ajv(options),
    "from text": new Ajv({ ...options, coerceTypes: "array" }),
  } as const;
  for (const ajv of Object.values(instances)) {
    formats.default(ajv);
    // What GitHub names and no standard does.
    for (const name of ["repo.nwo", "timestamp"]) ajv.addFormat(name, true);
    for (const [name, schema] of Object.entries(schemas)) {
      ajv.addSchema({ ...toJsonSchema(schema), $id: schemaId(name) });
    }
  }
  const compiled = { "as it is": new WeakMap(), "from text": new WeakMap() } as const;
  return (schema, value, how) => {
    const known = compiled[how].get(schema) as ValidateFunction | undefined;
    const check = known ?? instances[how].compile(toJsonSchema(schema));
    compiled[how].set(schema, check);
    if (check(value)) return [];
    return (check.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath || "/"} ${message ?? "is not valid"} ${JSON.stringify(params)}`,
    );
  };
}

function checkRequest(
  operation: DescribedOperation,
  found: { encoded: Record<string, string> },
  query: string,
  exchange: Exchange,
  validate: Validate,
): string[] {
  return [
    ...checkParameters(operation, "path", decodeParameters(found), validate),
    ...checkParameters(
      operation,
      "query",
      Object.fromEntries(new URLSearchParams(query)),
      validate,
    ),
    ...checkRequestBody(operation, exchange.requestText, validate),
  ];
}

function checkParameters(
  operation: DescribedOperation,
  place: "path" | "query",
  given: Record<string, string>,
  validate: Validate,
): string[] {
  const described = operation.parameters.filter((parameter) => parameter.in === place);
  const unknown = Object.keys(given).filter(
    (name) => !described.some((parameter) => parameter.name === name),
  );
  // A path that fits has all its parts; GitHub takes the one of `contents/` as empty.
  const missing = described.filter(
    ({ name, required }) => required && place === "query" && !(name in given),
  );
  return [
    ...unknown.map((name) => `${place} parameter ${name} is not described`),
    ...missing.map(({ name }) => `${place} parameter ${name} is missing`),
    ...described.flatMap(({ name, schema }) =>
      // In an object, since a value can be made a number only where something holds it.
      name in given
        ? validate(wrapped(schema), { value: given[name] }, "from text").map(
            (problem) => `${place} parameter ${name}: ${problem}`,
          )
        : [],
    ),
  ];
}

const wrappers = new WeakMap<OpenApiSchema, OpenApiSchema>();

function wrapped(schema: OpenApiSchema): OpenApiSchema {
  const known = wrappers.get(schema) ?? { type: "object", properties: { value: schema } };
  wrappers.set(schema, known);
  return known;
}

function checkRequestBody(
  operation: DescribedOperation,
  text: string,
  validate: Validate,
): string[] {
  const { requestBody } = operation;
  if (requestBody === undefined) return text === "" ? [] : ["a body is not described"];
  if (text === "") return requestBody.required ? ["the body is missing"] : [];
  const schema = requestBody.content["application/json"]?.schema;
  const body = parse(text);
  if (schema === undefined || body === undefined) return ["the body is not JSON"];
  return [
    ...validate(schema, body, "as it is").map((problem) => `body ${problem}`),
    ...unknownProperties(schema, body).map((name) => `body property ${name} is not described`),
  ];
}

/** GitHub takes no notice of what it does not know, so a misspelt name would pass in silence. */
function unknownProperties(schema: OpenApiSchema, body: unknown): string[] {
  const { properties } = schema;
  if (typeof properties !== "object" || properties === null) return [];
  return Object.keys(body as object).filter((name) => !(name in properties));
}

function checkResponse(
  operation: DescribedOperation,
  exchange: Exchange,
  validate: Validate,
): string[] {
  const { status } = exchange;
  const described = operation.responses.get(status);
  if (status === 304 && exchange.method === "GET") return expectNoBody(exchange);
  if (exchange.method === "HEAD") return expectNoBody(exchange);
  if (described === undefined) return checkAnywhere(exchange, validate);
  if (described.content === undefined) {
    // A refusal without a described body has the one that all refusals have.
    return status < 400 ? expectNoBody(exchange) : checkAnywhere(exchange, validate);
  }
  const type = exchange.contentType.split(";", 1)[0] ?? "";
  if (type !== "application/json" && TEXT_MEDIA.test(exchange.accept) && status === 200) return [];
  const schema = described.content[type]?.schema;
  if (schema === undefined) return [`${status} as ${type} is not described`];
  return validate(
    status < 400 ? schema : anyOfInstead(schema),
    parse(exchange.responseText),
    "as it is",
  );
}

const loosened = new WeakMap<OpenApiSchema, OpenApiSchema>();

/**
 * GitHub offers refusals as `oneOf` a validation error and a rule violation of which every member is
 * optional: what is the first is always the second too, and nothing would be valid.
 */
function anyOfInstead(schema: OpenApiSchema): OpenApiSchema {
  const { oneOf, ...rest } = schema;
  if (oneOf === undefined) return schema;
  const known = loosened.get(schema) ?? { ...rest, anyOf: oneOf };
  loosened.set(schema, known);
  return known;
}

function checkAnywhere(exchange: Exchange, validate: Validate): string[] {
  const schemas = ANYWHERE.get(exchange.status);
  if (schemas === undefined) return [`GitHub does not answer ${exchange.status} here`];
  const body = parse(exchange.responseText);
  const results = schemas.map((name) => validate(named(name), body, "as it is"));
  return results.some((problems) => problems.length === 0) ? [] : (results[0] ?? []);
}

const references = new Map<string, OpenApiSchema>();

function named(name: string): OpenApiSchema {
  const known = references.get(name) ?? { $ref: `#/components/schemas/${name}` };
  references.set(name, known);
  return known;
}

/** What is not served may only be refused. */
function unknownCall(exchange: Exchange, validate: Validate): Verdict {
  const { method, path, status } = exchange;
  return {
    operation: undefined,
    pair: `unknown ${status}`,
    requestViolations: [`${method} ${path} is not described`],
    responseViolations:
      status < 400
        ? [`${method} ${path} is not described, and answered ${status}`]
        : checkAnywhere(exchange, validate),
  };
}

function expectNoBody(exchange: Exchange): string[] {
  return exchange.responseText === "" ? [] : [`${exchange.status} has a body`];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
