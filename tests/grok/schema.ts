// The part of JSON Schema that structured output uses: checking it, checking a value by it, filling it.

/** A JSON Schema, as far as the API understands it. */
export interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  [keyword: string]: unknown;
}

const UNSUPPORTED = [
  "allOf",
  "not",
  "if",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "pattern",
];

/** Why the API would refuse this schema, or null. */
export function unsupported(schema: Schema): string | null {
  const keyword = UNSUPPORTED.find((name) => name in schema);
  if (keyword) return `schema keyword ${keyword} is not supported`;
  if (schema.enum?.some((value) => typeof value === "string" && value.includes("/"))) {
    return "enum values must not contain a slash";
  }
  for (const inner of children(schema)) {
    const reason = unsupported(inner);
    if (reason) return reason;
  }
  return null;
}

/** Where `value` breaks `schema`, as a path and a reason, or null when it holds. */
export function violation(schema: Schema, value: unknown, path = "$"): string | null {
  if (schema.anyOf) {
    const holds = schema.anyOf.some((option) => violation(option, value, path) === null);
    return holds ? null : `${path} matches none of the alternatives`;
  }
  if ("const" in schema && schema.const !== value) return `${path} is not the constant`;
  if (schema.enum && !schema.enum.includes(value)) return `${path} is not one of the enum`;
  const types = typesOf(schema);
  if (
    types.length && !types.includes(typeOf(value)) &&
    !(types.includes("number") && typeOf(value) === "integer")
  ) {
    return `${path} is ${typeOf(value)}, not ${types.join(" or ")}`;
  }
  if (Array.isArray(value)) {
    return first(value, (item, index) => violation(schema.items ?? {}, item, `${path}[${index}]`));
  }
  if (typeOf(value) === "object") {
    return objectViolation(schema, value as Record<string, unknown>, path);
  }
  return null;
}

/** `wanted` made to hold under `schema`: unknown properties go, missing and impossible values are filled in. */
export function fit(schema: Schema, wanted: unknown): unknown {
  if (schema.anyOf) {
    const option = schema.anyOf.find((each) => violation(each, wanted) === null);
    return option ? wanted : fit(schema.anyOf[0], wanted);
  }
  if ("const" in schema) return schema.const;
  if (schema.enum) return schema.enum.includes(wanted) ? wanted : schema.enum[0];
  const types = typesOf(schema);
  if (types.includes("object")) return fitObject(schema, wanted);
  if (types.includes("array")) {
    return Array.isArray(wanted) ? wanted.map((item) => fit(schema.items ?? {}, item)) : [];
  }
  if (violation(schema, wanted) === null && wanted !== undefined) return wanted;
  const blank: Record<string, unknown> = { string: "none", number: 0, integer: 0, boolean: false };
  return types.includes("null") ? null : blank[types[0]] ?? null;
}

function fitObject(schema: Schema, wanted: unknown): Record<string, unknown> {
  const from = typeOf(wanted) === "object" ? wanted as Record<string, unknown> : {};
  const fitted: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const required = schema.required?.includes(name) ?? false;
    if (required || from[name] !== undefined) fitted[name] = fit(property, from[name]);
  }
  return fitted;
}

function objectViolation(
  schema: Schema,
  value: Record<string, unknown>,
  path: string,
): string | null {
  const missing = schema.required?.find((name) => !(name in value));
  if (missing) return `${path}.${missing} is missing`;
  return first(Object.keys(value), (name) => {
    const property = schema.properties?.[name];
    if (property) return violation(property, value[name], `${path}.${name}`);
    return schema.additionalProperties === false ? `${path}.${name} is not allowed` : null;
  });
}

function children(schema: Schema): Schema[] {
  return [
    ...Object.values(schema.properties ?? {}),
    ...(schema.anyOf ?? []),
    ...(schema.items ? [schema.items] : []),
  ];
}

function typesOf(schema: Schema): string[] {
  return schema.type === undefined ? [] : [schema.type].flat();
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function first<T>(items: T[], check: (item: T, index: number) => string | null): string | null {
  for (const [index, item] of items.entries()) {
    const found = check(item, index);
    if (found) return found;
  }
  return null;
}
