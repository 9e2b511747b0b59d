import { expect, it } from "vitest";
import type { HostReport } from "../wire.ts";
import { hostFindings } from "./host.ts";

const good: HostReport = {
  repository: "o/r",
  account: "jarvis[bot]",
  permissions: ["contents write", "push"],
  protection: { standing: "enforced", contexts: ["jarvis/sandbox"], strict: true, obstacles: [] },
  workflows: [{ path: ".github/workflows/ci.yml", events: ["push"], seesSecrets: false }],
  ownership: "ours",
  identityProblem: null,
};
const protection = (standing: string) => ({ ...good.protection, standing });

it("finds nothing to mend where the host is as it should be", () => {
  const findings = hostFindings(good);
  expect(findings.map(({ name, ok, mend }) => [name, ok, mend])).toEqual([
    ["credential", true, null],
    ["protection", true, null],
    ["rules", true, null],
    ["workflows", true, null],
    ["owner", true, null],
  ]);
  expect(hostFindings({ ...good, ownership: "nobody" }).every(({ ok }) => ok)).toBe(true);
});

it.each<[string, Partial<HostReport>, string, RegExp]>([
  [
    "a credential that only reads",
    { permissions: ["pull", "contents read"] },
    "credential",
    /write/,
  ],
  [
    "an administrator past protection",
    { protection: protection("not-for-this-credential") },
    "protection",
    /administrators included/,
  ],
  ["no protection", { protection: protection("none") }, "protection", /require the statuses/],
  ["protection nobody can read", { protection: protection("unknown") }, "protection", /require/],
  ["a word of a newer kernel", { protection: protection("half") }, "protection", /require/],
  [
    "workflows with secrets",
    { workflows: [{ path: "ci.yml", events: ["push"], seesSecrets: true }] },
    "workflows",
    /jarvis\/\*\*/,
  ],
  [
    "a rule that it may not be able to keep",
    {
      protection: {
        ...good.protection,
        obstacles: [{ branch: "main", rule: "merge_queue", ruleset: "o/r", why: "unknown" }],
      },
    },
    "rules",
    /change the ruleset/,
  ],
  [
    "rules nobody can read",
    { protection: { ...good.protection, obstacles: null } },
    "rules",
    /look at them/,
  ],
  ["workflows nobody can read", { workflows: null }, "workflows", /look at them/],
  ["another instance", { ownership: "another-instance" }, "owner", /takeover/],
  ["another repository", { identityProblem: "It is another one." }, "repository", /takeover/],
])("names %s, and what mends it", (_, overrides, name, mend) => {
  const wrong = hostFindings({ ...good, ...overrides }).filter(({ ok }) => !ok);
  expect(wrong.map((finding) => finding.name)).toEqual([name]);
  expect(wrong[0]?.mend).toMatch(mend);
});

it("shows what the host calls itself as text", () => {
  const [credential] = hostFindings({ ...good, account: "a\u001b[2Jb" });
  expect(credential?.what).not.toContain("\u001b");
});
