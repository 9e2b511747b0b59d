import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActionRequest } from "@jarvis/operator-core";
import {
  emptyRecord,
  type BaselinePointer,
  type BlessedRelease,
} from "@jarvis/tools/self-extension";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KernelMove, type KernelMoveWorld } from "./kernel-move.ts";
import {
  kernelsOf,
  readKernelPointer,
  writeKernelPointer,
  type KernelRelease,
} from "./kernel-pointer.ts";

let root: string;
let releases: string;
let moved: number;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "jarvis-move-"));
  releases = join(root, "state", "releases");
  for (const path of [releases, join(root, "home"), join(root, "other")]) {
    mkdirSync(path, { recursive: true });
  }
  moved = 0;
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("the kernels that the launcher may start", () => {
  it("are the blessed releases that are prepared, the newest first, and few", () => {
    const known = [1, 2, 3, 4, 5].map((n) => kernel(n));
    const named = kernelsOf(baseline(4, 5, 3, 2, 1), known).map(({ sha }) => sha);
    expect(named).toEqual(["4", "5", "3"]);
    expect(kernelsOf(baseline(6, 2), known).map(({ sha }) => sha)).toEqual(["2"]);
  });

  it("are not the release that Jarvis started with, which passed no window", () => {
    const { current, earlier } = baseline(2, 1);
    const first = earlier.map((each) => ({ ...each, window: null }));
    const pointer = { version: 1, current, earlier: first } as const;
    expect(kernelsOf(pointer, [kernel(1), kernel(2)]).map(({ sha }) => sha)).toEqual(["2"]);
  });

  it("stay left out until they are blessed again", () => {
    const at = (minute: number): string => `2026-01-01T00:0${minute}:00.000Z`;
    const out = { ...kernel(1), leftOut: { why: "it did not become ready", at: at(5) } };
    const blessedAt = (minute: number): BaselinePointer => {
      const pointer = baseline(1);
      return { ...pointer, current: { ...pointer.current, blessedAt: at(minute) } };
    };
    expect(kernelsOf(blessedAt(1), [out])[0]?.leftOut).toEqual(out.leftOut);
    expect(kernelsOf(blessedAt(9), [out])[0]?.leftOut).toBeNull();
  });

  it("are none where the pointer cannot be read", () => {
    writeFileSync(join(releases, "kernel-pointer.json"), "{");
    expect(readKernelPointer(releases)).toEqual([]);
  });
});

describe("the kernel", () => {
  it("moves to the newest blessed release, and lets no stage begin any more", async () => {
    writeKernelPointer(releases, [kernel(1)]);
    const { move, asked } = aKernel();
    await move.follow(baseline(1), world("completed"));
    await Promise.resolve();
    expect({ moved, asked: asked() }).toEqual({ moved: 1, asked: ["move_kernel 1"] });
    expect(move.describe()).toMatchObject({ release: null, moving: true });
  });

  it("stays where it is the blessed release already", async () => {
    writeKernelPointer(releases, [kernel(1)]);
    const { move, asked } = aKernel({ release: kernel(1).directory });
    await move.follow(baseline(1), world("completed"));
    expect({ moved, asked: asked() }).toEqual({ moved: 0, asked: [] });
    expect(move.describe()).toMatchObject({ release: { sha: "1" }, moving: false });
    expect(await move.gate.pass(async () => await Promise.resolve("begun"))).toBe("begun");
  });

  it.each([
    ["of a repository that Jarvis only guards", { repository: "other" }],
    ["that no launcher started", { launched: false }],
  ])("%s never moves", async (_, options) => {
    writeKernelPointer(releases, [kernel(1)]);
    const { move, asked } = aKernel(options);
    await move.follow(baseline(1), world("completed"));
    expect({ moved, asked: asked() }).toEqual({ moved: 0, asked: [] });
  });

  it("does not move while Jarvis observes, and does when it may execute again", async () => {
    writeKernelPointer(releases, [kernel(1)]);
    const { move } = aKernel();
    await move.follow(baseline(1), { ...world("completed"), mayExecute: async () => false });
    expect(moved).toBe(0);
    expect(await move.gate.pass(async () => await Promise.resolve("begun"))).toBe("begun");
    await move.follow(baseline(1), world("completed"));
    await Promise.resolve();
    expect(moved).toBe(1);
  });

  it("goes on as it is where the executor does not let it move", async () => {
    writeKernelPointer(releases, [kernel(1)]);
    const { move, asked } = aKernel();
    await move.follow(baseline(1), world("refused"));
    expect(await move.gate.pass(async () => await Promise.resolve("begun"))).toBe("begun");
    // Not again at once.
    await move.follow(baseline(1), world("completed"));
    expect({ moved, asked: asked() }).toEqual({ moved: 0, asked: ["move_kernel 1"] });
  });

  it("is prepared again where that failed, after a pause", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const { move, asked } = aKernel();
    // It is not prepared yet, and this world has nothing to prepare it from.
    await expect(move.follow(baseline(1), world("completed"))).rejects.toBeInstanceOf(TypeError);
    writeKernelPointer(releases, [kernel(1)]);
    await move.follow(baseline(1), world("completed"));
    expect(asked()).toEqual([]);
    vi.advanceTimersByTime(60_000);
    await move.follow(baseline(1), world("completed"));
    expect(asked()).toEqual(["move_kernel 1"]);
    vi.useRealTimers();
  });

  it("puts on record what did not come up, and does not move there again", async () => {
    writeKernelPointer(releases, [kernel(2), kernel(1)]);
    const { move, asked } = aKernel({
      release: kernel(1).directory,
      leftOut: { [kernel(2).directory]: "it did not become ready" },
    });
    // In observe the executor refuses; what the launcher did is marked all the same.
    await move.recordLeftOut(world("refused").executor);
    expect(asked()).toEqual(["leave_kernel_out 2"]);
    expect(readKernelPointer(releases)[0]?.leftOut?.why).toBe("it did not become ready");
    await move.follow(baseline(2, 1), world("completed"));
    expect(moved).toBe(0);
    expect(move.describe()).toMatchObject({
      release: { sha: "1" },
      leftOut: [{ sha: "2", why: "it did not become ready" }],
    });
  });
});

const requests: ActionRequest[] = [];

function aKernel(
  options: {
    release?: string;
    repository?: string;
    launched?: boolean;
    leftOut?: Record<string, string>;
  } = {},
) {
  const { release = null, repository = "home", launched = true, leftOut = {} } = options;
  requests.length = 0;
  const move = new KernelMove({
    launcher: launched ? { home: join(root, "home"), release, leftOut } : null,
    repository: join(root, repository),
    releases,
    onMove: () => (moved += 1),
    onProblem: (error) => {
      throw error;
    },
  });
  const asked = (): string[] =>
    requests.map(({ actionName, parameters }) => `${actionName} ${String(parameters["sha"])}`);
  return { move, asked };
}

/** An executor that only answers; what is prepared already needs nothing else of the world. */
function world(outcome: "completed" | "refused"): KernelMoveWorld {
  return {
    world: {} as KernelMoveWorld["world"],
    executor: {
      perform: async (request) => {
        requests.push(request);
        const answer =
          outcome === "completed"
            ? { outcome, result: null, attempts: 1, durationMs: 1 }
            : { outcome, refusal: "denied" as const, detail: "not now" };
        return await Promise.resolve({ proposalId: 1, ...answer });
      },
    },
    mayExecute: async () => await Promise.resolve(true),
  };
}

function kernel(n: number): KernelRelease {
  const digest = `sha256:${String(n).repeat(64)}`;
  return {
    directory: join(releases, "kernels", String(n)),
    program: "main.js",
    filesDigest: digest,
    releaseDigest: digest,
    sha: String(n),
    leftOut: null,
  };
}

function baseline(current: number, ...earlier: number[]): BaselinePointer {
  return { version: 1, current: blessed(current), earlier: earlier.map(blessed) };
}

function blessed(n: number): BlessedRelease {
  const facts = {
    exposures: 300,
    errors: 0,
    refusals: 0,
    seconds: 60,
    exits: 0,
    observerGaps: 0,
    baselineRateAtMost: 0.1,
    record: emptyRecord,
  };
  return {
    releaseDigest: `sha256:${String(n).repeat(64)}`,
    sha: String(n),
    treeSha: String(n),
    runId: `run-${n}`,
    window: { number: 1, facts },
    record: emptyRecord,
    blessedAt: "2026-01-01T00:00:00.000Z",
  };
}
