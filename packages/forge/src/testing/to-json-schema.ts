import type { OpenApiSchema } from "./github-description.ts";

export function schemaId(name: string): string {
  return `github:${name}`;
}

/**
 * OpenAPI 3.0 writes schemas nearly as JSON Schema does. Two things differ where GitHub uses them:
 * `nullable`, and that nothing counts beside a `$ref`.
 */
export function toJsonSchema(schema: OpenApiSchema): OpenApiSchema {
  const { $ref, nullable, ...rest } = schema;
  if (typeof $ref === "string") return { $ref: schemaId($ref.split("/").at(-1) ?? "") };
  const converted = Object.fromEntries(
    Object.entries(rest).map(([keyword, value]) => [keyword, convert(keyword, value)]),
  );
  return nullable === true ? { anyOf: [converted, { type: "null" }] } : converted;
}

function convert(keyword: string, value: unknown): unknown {
  switch (keyword) {
    case "properties":
      return Object.fromEntries(
        Object.entries(value as Record<string, OpenApiSchema>).map(([name, property]) => [
          name,
          toJsonSchema(property),
        ]),
      );
    case "items":
    case "additionalProperties":
      return typeof value === "object" ? toJsonSchema(value as OpenApiSchema) : value;
    case "allOf":
    case "anyOf":
    case "oneOf":
      return (value as OpenApiSchema[]).map(toJsonSchema);
    default:
      return value;
  }
}
