import { readFileSync } from "node:fs";

/** A schema as OpenAPI 3.0 writes it. */
export type OpenApiSchema = { [keyword: string]: unknown };

export interface DescribedParameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  schema: OpenApiSchema;
}

type Content = Record<string, { schema: OpenApiSchema }>;

/** One operation of GitHub's own description, with references to parameters and responses resolved. */
export interface DescribedOperation {
  id: string;
  method: string;
  path: string;
  parameters: DescribedParameter[];
  requestBody: { required: boolean; content: Content } | undefined;
  /** By status. Without content: the answer has no body. */
  responses: Map<number, { content?: Content }>;
}

export interface GitHubDescription {
  /** The package and file it was cut from. */
  source: string;
  operations: DescribedOperation[];
  schemas: Record<string, OpenApiSchema>;
}

interface Reference {
  $ref: string;
}

interface CutDocument {
  info: { "x-cut-from": string };
  paths: Record<string, Record<string, CutOperation>>;
  components: {
    parameters: Record<string, DescribedParameter>;
    responses: Record<string, { content?: Content }>;
    schemas: Record<string, OpenApiSchema>;
  };
}

interface CutOperation {
  operationId: string;
  parameters: (DescribedParameter | Reference)[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<string, { content?: Content } | Reference>;
}

/** GitHub's OpenAPI description, cut by `scripts/cut-github-openapi.mjs` to what the forge serves. */
export function readGitHubDescription(): GitHubDescription {
  const file = new URL("../../test-fixtures/github-openapi.json", import.meta.url);
  const document = JSON.parse(readFileSync(file, "utf8")) as CutDocument;
  const { parameters, responses, schemas } = document.components;
  const resolve = <T extends object>(entry: T | Reference, from: Record<string, T>): T => {
    if (!("$ref" in entry)) return entry;
    const found = from[entry.$ref.split("/").at(-1) ?? ""];
    if (found === undefined) throw new Error(`the description lacks ${entry.$ref}`);
    return found;
  };
  return {
    source: document.info["x-cut-from"],
    schemas,
    operations: Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        parameters: operation.parameters.map((each) => resolve(each, parameters)),
        requestBody: operation.requestBody,
        responses: new Map(
          Object.entries(operation.responses).map(([status, response]) => [
            Number(status),
            resolve(response, responses),
          ]),
        ),
      })),
    ),
  };
}
