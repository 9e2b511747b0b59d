import { z } from "zod";

/** One test as a runner reported it. The report is written by candidate code: a claim, not a proof. */
export interface ReportedTest {
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped";
}

const vitestReport = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/** Vitest's `--reporter=json`. File names are made relative to the workspace. */
export function parseVitestReport(text: string): ReportedTest[] | null {
  const parsed = parseJson(vitestReport, text);
  if (parsed === null) return null;
  return parsed.testResults.flatMap((file) => {
    const path = file.name.replace(/^\/ws\//, "");
    const tests = file.assertionResults.map((test) => ({
      name: `${path} > ${test.fullName}`,
      status: statusOf(test.status),
    }));
    // A file that fails before its tests are collected reports none: the file itself has failed.
    return tests.length === 0 && file.status !== "passed"
      ? [{ name: path, status: "failed" as const }]
      : tests;
  });
}

const nodeEvent = z.object({
  type: z.enum(["test:pass", "test:fail"]),
  name: z.string(),
  file: z.string(),
  nesting: z.number().int(),
  skip: z.boolean(),
  kind: z.string(),
});

/** One JSON object a line, as `NODE_TEST_REPORTER` writes them. */
export function parseNodeReport(text: string): ReportedTest[] | null {
  const tests: ReportedTest[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const event = parseJson(nodeEvent, line);
    if (event === null) return null;
    if (event.kind === "suite") continue;
    const path = event.file.replace(/^\/ws\//, "");
    const status = event.skip ? "skipped" : event.type === "test:pass" ? "passed" : "failed";
    tests.push({ name: `${path} > ${event.name}`, status });
  }
  return tests;
}

/** A reporter module for `node --test`; mounted read-only, so that no candidate owns it. */
export const NODE_TEST_REPORTER = `
export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    yield JSON.stringify({
      type,
      name: data.name,
      file: data.file ?? "",
      nesting: data.nesting,
      skip: data.skip !== undefined || data.todo !== undefined,
      kind: data.details?.type ?? "test",
    }) + "\\n";
  }
}
`;

function parseJson<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function statusOf(status: string): ReportedTest["status"] {
  if (status === "passed") return "passed";
  return status === "failed" ? "failed" : "skipped";
}
