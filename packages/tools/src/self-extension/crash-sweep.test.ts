import { sliceOf } from "@jarvis/db/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CrashWorld } from "../testing/crash/crash-world.ts";
import { outcomes, type Outcome } from "../testing/crash/outcomes.ts";
import { watchProcessPorts } from "../testing/crash/process-ports.ts";
import { hostLog, storyOf, type Story } from "../testing/crash/story.ts";
import { plainProject, type TestRepository } from "../testing/git-repository.ts";
import { randomOf } from "../testing/schedules/scheduler.ts";

/*
 * A kernel is killed at every answer of the world that a run waits for: statements and commits of the
 * database, requests to the host, git, sandboxes, changed files, what the workflow engine keeps. The
 * points are not listed anywhere: one run in which nothing goes wrong is watched. `pnpm sweep` takes
 * all of them (JARVIS_SWEEP_SLICE=2/4 a part of them, JARVIS_SWEEP_SLICE=commit what fits).
 */
const isWhole = process.env["JARVIS_SWEEP"] === "1";

let repository: TestRepository;
let crash: CrashWorld;
let unwatch: () => void;

beforeAll(async () => {
  unwatch = watchProcessPorts();
  repository = plainProject();
  crash = await CrashWorld.make(repository);
  // The first promotion of all says on the host whose repository it is.
  await tell(outcomes[0] ?? expect.fail(), []);
});

afterAll(async () => {
  await crash.close();
  repository.remove();
  unwatch();
});

async function tell(
  { course }: Outcome,
  kills: readonly string[],
): Promise<{ story: Story; points: readonly string[]; deaths: number }> {
  const prepared = await course(crash, repository);
  const since = hostLog(crash).length;
  const { runId, points, deaths } = await crash.run(prepared, kills);
  return { story: await storyOf(crash, runId, since), points, deaths };
}

describe.each(isWhole ? outcomes : outcomes.slice(0, 1))("a run that is $name", (outcome) => {
  it(
    "ends alike wherever a kernel dies, with one of each effect",
    { timeout: 14_400_000 },
    async () => {
      const { story, points } = await tell(outcome, []);
      expect(story).toMatchObject(outcome.ends);
      const cases = isWhole
        ? sliceOf(points, process.env["JARVIS_SWEEP_SLICE"], (point) => `${outcome.name}: ${point}`)
        : sample(points);
      const violations: string[] = [];
      let deaths = 0;
      for (const kills of cases.map((each) => [each].flat())) {
        const what = `${outcome.name}, killed at ${kills.join(" and then at ")}`;
        try {
          const told = await tell(outcome, kills);
          deaths += told.deaths;
          violations.push(...differences(story, told.story).map((each) => `${what}: ${each}`));
        } catch (error) {
          violations.push(`${what}: ${String(error)}`);
        }
        // A whole sweep takes long: what it finds is told at once.

        const newest = violations.at(-1);
        if (newest?.startsWith(what) === true) process.stdout.write(`${newest}\n`);
      }
      process.stdout.write(
        `crash sweep, ${outcome.name}: ${points.length} points, ${cases.length} runs, ${deaths} deaths, ${violations.length} violations\n`,
      );
      expect(violations).toEqual([]);
      // A kill at a point that is not reached any more shows nothing.
      expect(deaths).toBeGreaterThan(cases.length * 0.9);
    },
  );
});

/** Few runs: one in which a kernel dies once, and one in which two do, the second while it goes on. */
function sample(points: readonly string[]): string[][] {
  const random = randomOf(Number(process.env["JARVIS_SCHEDULE_SEED"] ?? 1));
  const one = (): string => points[Math.floor(random() * points.length)] ?? expect.fail();
  return [[one()], [one(), one()]];
}

function differences(expected: Story, found: Story): string[] {
  return Object.keys(expected).flatMap((name) => {
    const [was, is] = [expected, found].map((story) => JSON.stringify(Reflect.get(story, name)));
    return was === is ? [] : [`${name} was ${is ?? "nothing"} instead of ${was ?? "nothing"}`];
  });
}
