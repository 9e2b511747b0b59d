import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStateDirectory } from "@jarvis/db";
import { plainFiles } from "@jarvis/tools/testing";
import { expect, it, onTestFinished } from "vitest";
import { kernelIn } from "../testing/kernel-stand-in.ts";
import { makeWorld, type World } from "../testing/world.ts";

it("goes on where the kernel cannot say how it is", async () => {
  const world = aWorld();
  const message = "The database could not answer (no).";
  await kernelIn(world, { status: 503, body: { error: { code: "internal", message } } });
  const { ok, findings } = await doctorIn(world);
  expect(ok).toBe(false);
  expect(findings).toContainEqual(
    expect.objectContaining({ name: "kernel", ok: false, what: message }),
  );
  expect(findings.map(({ name }) => name)).toContain("repository");
});

it("asks nothing of the host where the kernel stands by", async () => {
  const world = aWorld();
  const asked = await kernelIn(world, { status: 200, body: standby });
  const { findings } = await doctorIn(world);
  expect(findings).toContainEqual(expect.objectContaining({ name: "host", ok: true }));
  expect(asked).not.toContain("/api/host");
});

it("calls a repository without a commit that, and a broken one not", async () => {
  const world = aWorld();
  const repository = async () =>
    (await doctorIn(world)).findings.find(({ name }) => name === "repository");
  for (const entry of readdirSync(join(world.directory, ".git", "objects"))) {
    rmSync(join(world.directory, ".git", "objects", entry), { recursive: true });
  }
  expect(await repository()).toMatchObject({
    ok: false,
    what: expect.not.stringContaining("has no commit"),
    mend: expect.stringContaining("fsck"),
  });
  world.git("symbolic-ref", "HEAD", "refs/heads/empty");
  expect(await repository()).toMatchObject({
    ok: false,
    what: expect.stringContaining("has no commit"),
  });
});

it.each([
  ["DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/jarvis", "database", "DATABASE_URL"],
  ["DATABASE_URL", "mysql://nobody@127.0.0.1/jarvis", "database", "DATABASE_URL"],
  ["JARVIS_MODEL", "no-such-model", "settings", "JARVIS_MODEL"],
  ["JARVIS_GITHUB_REPOSITORY", "nobody", "settings", "JARVIS_GITHUB_REPOSITORY"],
])("says with %s=%s that no kernel can start, as `up` does", async (name, value, of, named) => {
  const world = aWorld();
  const env = { [name]: value };
  const { code, stdout } = await world.jarvis(["doctor", "--json"], { env });
  const { findings } = JSON.parse(stdout) as Doctor;
  expect(code).toBe(1);
  const found = findings.find((finding) => !finding.ok);
  expect(found).toMatchObject({ name: of, what: expect.stringContaining(named) });
  const up = await world.jarvis(["up", "--once", "--port", "0", "--json"], { env });
  expect(JSON.parse(up.stdout)).toMatchObject({ error: { message: found?.what } });
});

it("says that tokens that were given out count for nobody, where their file is damaged", async () => {
  const world = aWorld();
  writeFileSync(join(openStateDirectory(world.stateDir), "tokens.json"), "{", { mode: 0o600 });
  const { ok, findings } = await doctorIn(world);
  expect(ok).toBe(false);
  expect(findings).toContainEqual(
    expect.objectContaining({ name: "tokens", what: expect.stringContaining("count for nobody") }),
  );
});

function aWorld(): World {
  const world = makeWorld(plainFiles);
  onTestFinished(async () => await world.discard());
  return world;
}

async function doctorIn(world: World) {
  const { stdout } = await world.here(["doctor", "--json"]);
  return JSON.parse(stdout) as Doctor;
}

interface Doctor {
  readonly ok: boolean;
  readonly findings: { readonly name: string; readonly ok: boolean; readonly what: string }[];
}

const standby = {
  wayOut: { state: "standby", because: "another leads", command: null },
  room: { level: "enough", detail: "" },
  holds: [],
  kernel: { pid: 1, url: "http://127.0.0.1:1", startedAt: "", role: "standby", leader: null },
  repository: { directory: "/", uncommitted: [] },
  promotion: { paused: false, reason: "", updatedBy: "", updatedAt: "" },
  safety: { mode: "observe", reason: "" },
  base: { branch: "main", lastSeen: null },
  serving: null,
  baseline: null,
  body: null,
  openRuns: [],
  sandbox: { available: true, tier: null, message: null },
  database: { server: "external", ledger: "append-only", guard: "enforced", mendSql: null },
  ledger: { size: null, problem: null, verifiedAt: null, pushedSize: null },
  host: { kind: "github", webUrl: "", cloneUrl: "", fence: "unknown" },
  lastProblem: null,
};
