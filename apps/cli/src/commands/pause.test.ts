import { plainFiles } from "@jarvis/tools/testing";
import { expect, it, onTestFinished } from "vitest";
import { nothingOnItsWay } from "../pause-answer.ts";
import { kernelIn } from "../testing/kernel-stand-in.ts";
import { makeWorld } from "../testing/world.ts";

it.each([
  [true, 1, "still paused"],
  [false, 0, "is resumed"],
])("a resume that is answered with paused: %s ends %d and says so", async (paused, code, text) => {
  const world = makeWorld(plainFiles);
  onTestFinished(async () => await world.discard());
  await kernelIn(world, { status: 200, body: { ...nothingOnItsWay, paused } });
  const ended = await world.here(["resume"]);
  expect(ended).toMatchObject({ code, stdout: expect.stringContaining(text) });
});
