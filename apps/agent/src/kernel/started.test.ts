import { expect, it } from "vitest";
import { Started } from "./started.ts";

it("stops in reverse order, once, whatever cannot be stopped", async () => {
  const started = new Started();
  const stopped: string[] = [];
  for (const name of ["lock", "database", "engine"]) {
    started.add(async () => {
      await Promise.resolve();
      stopped.push(name);
      if (name === "database") throw new Error("it hangs");
    });
  }
  await expect(started.stop()).rejects.toThrow("The kernel could not stop in order: it hangs");
  expect(stopped).toEqual(["engine", "database", "lock"]);
  await started.stop();
  expect(stopped).toHaveLength(3);
});
