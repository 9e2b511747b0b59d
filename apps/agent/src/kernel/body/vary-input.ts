import type { Json } from "../../body/protocol.ts";

/** Answers numbers from 0 to below 1. */
export type Random = () => number;

/** The same numbers for the same seed (mulberry32): a round of probes can be asked again. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Schema = { readonly [key: string]: Json };

const LONGEST_TEXT = 2000;
const MOST_ITEMS = 50;
const PIECES = [
  "a",
  "Z",
  "0",
  " ",
  "\n",
  "\t",
  "é",
  "世界",
  "👋",
  "/",
  "~1",
  "alpha",
  '"',
  "\\",
  "-1",
];

/**
 * A value like the given one: texts cut, doubled and shuffled, numbers moved, lists mixed, within
 * what a JSON schema says in plain words (bounds, lengths, choices). Most results are still inputs
 * that the tool takes; the others have to be refused alike.
 */
export function varyInput(value: Json, schema: Json | undefined, random: Random): Json {
  const rules = isObject(schema) ? schema : {};
  const { enum: choices } = rules;
  if (isList(choices) && choices.length > 0) return pick(choices, random);
  if (typeof value === "string") return varyText(value, rules, random);
  if (typeof value === "number") return varyNumber(value, rules, random);
  if (typeof value === "boolean") return random() < 0.5 ? value : !value;
  if (isList(value)) return varyList(value, rules, random);
  return isObject(value) ? varyObject(value, rules, random) : value;
}

/** One member changes and the others stay, mostly: what belongs together still fits. */
function varyObject(value: Schema, rules: Schema, random: Random): Json {
  const names = Object.keys(value);
  if (names.length === 0) return value;
  const changed = random() < 0.7 ? [pick(names, random)] : names;
  const properties = isObject(rules["properties"]) ? rules["properties"] : {};
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      changed.includes(name) ? varyInput(member, properties[name], random) : member,
    ]),
  );
}

function varyList(value: readonly Json[], rules: Schema, random: Random): Json {
  const items = value.map((item) => varyInput(item, rules["items"], random));
  switch (Math.floor(random() * 4)) {
    case 0:
      return shuffle(items, random);
    case 1:
      return items.slice(0, Math.floor(random() * (items.length + 1)));
    case 2:
      return [...items, ...items].slice(0, MOST_ITEMS);
    default:
      return items;
  }
}

function varyText(value: string, rules: Schema, random: Random): string {
  const characters = [...value];
  const at = Math.floor(random() * (characters.length + 1));
  const varied = [
    () => shuffle(characters, random),
    () => characters.slice(at),
    () => characters.slice(0, at),
    () => [...characters, ...characters],
    () => [...characters.slice(0, at), pick(PIECES, random), ...characters.slice(at)],
    () => Array.from({ length: 1 + Math.floor(random() * 60) }, () => pick(PIECES, random)),
  ];
  const longest = Math.min(LONGEST_TEXT, numberOf(rules["maxLength"]) ?? LONGEST_TEXT);
  const text = pick(varied, random)().join("").slice(0, longest);
  return text.padEnd(Math.min(longest, numberOf(rules["minLength"]) ?? 0), "x");
}

function varyNumber(value: number, rules: Schema, random: Random): number {
  const moved = value + Math.round((random() - 0.5) * 20);
  const lowest = numberOf(rules["minimum"]) ?? Number.NEGATIVE_INFINITY;
  const highest = numberOf(rules["maximum"]) ?? Number.POSITIVE_INFINITY;
  return Math.max(lowest, Math.min(highest, moved));
}

function shuffle<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function pick<T>(values: readonly [T, ...T[]] | readonly T[], random: Random): T {
  return values[Math.floor(random() * values.length)] as T;
}

function isObject(value: Json | undefined): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
