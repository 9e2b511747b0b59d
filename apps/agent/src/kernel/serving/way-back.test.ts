import type { RollbackCause } from "@jarvis/tools/self-extension";
import { expect, it } from "vitest";
import { WayBack } from "./way-back.ts";

const release = (name: string) => ({ releaseDigest: name, sha: name, treeSha: name, runId: null });

/** Every way back fails. */
function failing(): {
  readonly wayBack: WayBack;
  readonly goBack: (from: string, cause: RollbackCause) => Promise<unknown>;
} {
  const asAction = async () => await Promise.resolve({ kind: "failed" });
  const wayBack = new WayBack(
    { parts: { asAction }, pointers: {}, running: {} } as never,
    () => false,
  );
  return {
    wayBack,
    goBack: async (from, cause) =>
      await wayBack.goBack({ facts: release(from), run: {} as never }, cause, "test"),
  };
}

it("waits after a way back that failed, from that release and from no other", async () => {
  const { wayBack, goBack } = failing();
  expect(await goBack("one", "degraded-after-blessing")).toBe("failed");
  expect(wayBack.isOpenFrom(release("one"))).toBe(false);
  expect(wayBack.isOpenFrom(release("two"))).toBe(true);
  await goBack("two", "health-window-failed");
  expect(wayBack.isOpenFrom(release("two"))).toBe(false);
});

it("goes back by itself from what an operator's order did not", async () => {
  const { wayBack, goBack } = failing();
  await goBack("one", "operator");
  expect(wayBack.isOpenFrom(release("one"))).toBe(true);
});
