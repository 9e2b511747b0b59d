// Cuts GitHub's OpenAPI description to what the forge serves: packages/forge/test-fixtures/.
// Needs a build (`pnpm build`) and the registry. The package has 385 MB, so it is installed into a
// temporary directory and never into the workspace. The same version gives the same bytes.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operations } from "../packages/forge/dist/api/operations.js";

const PACKAGE = "@octokit/openapi";
const VERSION = "23.0.2";
const DESCRIPTION = "generated/api.github.com.json";

const fixtures = new URL("../packages/forge/test-fixtures/", import.meta.url);

// What decides whether a value is valid.
const KEPT = new Set([
  "$ref",
  "type",
  "format",
  "nullable",
  "enum",
  "required",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "uniqueItems",
  "properties",
  "items",
  "additionalProperties",
  "allOf",
  "anyOf",
  "oneOf",
]);
// What only explains it.
const DROPPED = new Set([
  "title",
  "description",
  "example",
  "examples",
  "default",
  "deprecated",
  "readOnly",
  "externalDocs",
  "discriminator",
]);

const directory = mkdtempSync(join(tmpdir(), "github-openapi-"));
try {
  const npm = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
  execFileSync("npm", [...npm, "--prefix", directory, `${PACKAGE}@${VERSION}`], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const installed = join(directory, "node_modules", PACKAGE);
  const whole = JSON.parse(readFileSync(join(installed, DESCRIPTION), "utf8"));
  mkdirSync(fixtures, { recursive: true });
  const text = write(cut(whole));
  writeFileSync(new URL("github-openapi.json", fixtures), text);
  writeFileSync(
    new URL("github-openapi.LICENSE", fixtures),
    readFileSync(join(installed, "LICENSE")),
  );
  const count = new Set(operations.map(({ id }) => id)).size;
  console.log(`${count} operations of ${PACKAGE} ${VERSION}, ${text.length} bytes`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function cut(whole) {
  const paths = {};
  const wanted = new Set();
  for (const id of [...new Set(operations.map((operation) => operation.id))].sort()) {
    const { path, method, item } = find(whole, id);
    const served = operations.filter((operation) => operation.id === id);
    if (!served.some((each) => each.path === path && each.method === method.toUpperCase()))
      throw new Error(`${id} is ${method} ${path} in the description, and not in the forge`);
    paths[path] ??= {};
    paths[path][method] = cutOperation(item[method], item.parameters, wanted);
  }
  // What a refusal looks like also where the description names none for an operation.
  for (const name of ["basic-error", "validation-error", "validation-error-simple"])
    wanted.add(`#/components/schemas/${name}`);
  return {
    openapi: whole.openapi,
    info: {
      title: whole.info.title,
      version: whole.info.version,
      license: whole.info.license,
      "x-cut-from": `${PACKAGE}@${VERSION}/${DESCRIPTION}`,
    },
    paths,
    components: cutComponents(whole, wanted),
  };
}

function find(whole, id) {
  for (const [path, item] of Object.entries(whole.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (operation?.operationId === id) return { path, method, item };
    }
  }
  throw new Error(`${id} is not in the description`);
}

function cutOperation(operation, shared, wanted) {
  const { operationId, requestBody } = operation;
  const parameters = [...(shared ?? []), ...(operation.parameters ?? [])];
  return {
    operationId,
    parameters: parameters.map((parameter) => cutParameter(parameter, wanted)),
    ...(requestBody === undefined
      ? {}
      : {
          requestBody: {
            required: requestBody.required === true,
            content: cutContent(requestBody.content, wanted),
          },
        }),
    responses: Object.fromEntries(
      Object.entries(operation.responses).map(([status, response]) => [
        status,
        cutResponse(response, wanted),
      ]),
    ),
  };
}

function cutParameter(parameter, wanted) {
  if (parameter.$ref !== undefined) return reference(parameter.$ref, wanted);
  const { name, in: place, required = false, schema } = parameter;
  return { name, in: place, required, schema: cutSchema(schema, wanted) };
}

function cutResponse(response, wanted) {
  if (response.$ref !== undefined) return reference(response.$ref, wanted);
  return response.content === undefined ? {} : { content: cutContent(response.content, wanted) };
}

function cutContent(content, wanted) {
  return Object.fromEntries(
    Object.entries(content).map(([type, { schema }]) => [
      type,
      { schema: cutSchema(schema, wanted) },
    ]),
  );
}

function reference($ref, wanted) {
  wanted.add($ref);
  return { $ref };
}

function cutSchema(schema, wanted) {
  if (typeof schema !== "object") return schema;
  const result = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword.startsWith("x-") || DROPPED.has(keyword)) continue;
    if (!KEPT.has(keyword)) throw new Error(`what "${keyword}" means is not known`);
    result[keyword] = cutKeyword(keyword, value, wanted);
  }
  if (result.$ref !== undefined) wanted.add(result.$ref);
  return result;
}

function cutKeyword(keyword, value, wanted) {
  if (keyword === "properties") {
    return Object.fromEntries(
      Object.entries(value).map(([name, property]) => [name, cutSchema(property, wanted)]),
    );
  }
  if (keyword === "items" || keyword === "additionalProperties") return cutSchema(value, wanted);
  if (keyword === "allOf" || keyword === "anyOf" || keyword === "oneOf")
    return value.map((part) => cutSchema(part, wanted));
  return value;
}

/** Everything that is referred to, and what that refers to. */
function cutComponents(whole, wanted) {
  const components = { parameters: {}, responses: {}, schemas: {} };
  const cutters = { parameters: cutParameter, responses: cutResponse, schemas: cutSchema };
  // A set is walked in order and includes what is added on the way.
  for (const $ref of wanted) {
    const [, , kind, name] = $ref.split("/");
    components[kind][name] = cutters[kind](whole.components[kind][name], wanted);
  }
  return Object.fromEntries(
    Object.entries(components).map(([kind, entries]) => [
      kind,
      Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1))),
    ]),
  );
}

/** One line for each path and component, so that another version is a readable difference. */
function write(document) {
  const lines = (entries) =>
    Object.entries(entries)
      .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
      .join(",\n");
  const kinds = Object.entries(document.components).map(
    ([kind, entries]) => `${JSON.stringify(kind)}:{\n${lines(entries)}\n}`,
  );
  return [
    `{"openapi":${JSON.stringify(document.openapi)},`,
    `"info":${JSON.stringify(document.info)},`,
    `"paths":{\n${lines(document.paths)}\n},`,
    `"components":{\n${kinds.join(",\n")}\n}}\n`,
  ].join("\n");
}
