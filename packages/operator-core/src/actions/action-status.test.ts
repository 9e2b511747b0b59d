import { createTestDatabase } from "@jarvis/db/testing";
import { describe, expect, it } from "vitest";
import { ActionStatus, hasEnded, mayFollow } from "./action-status.ts";

const ways: Record<ActionStatus, string> = {
  proposed: "validated rejected cancelled expired",
  validated: "approved executing rejected cancelled expired",
  approved: "executing rejected cancelled expired",
  executing: "completed failed cancelled",
  completed: "",
  failed: "",
  cancelled: "",
  rejected: "",
  expired: "",
};

describe("what may follow", () => {
  it.each(Object.entries(ways))("%s: %s", (from, expected) => {
    const next = ActionStatus.options.filter((to) => mayFollow(ActionStatus.parse(from), to));
    expect(next.toSorted()).toEqual(expected.split(" ").filter(Boolean).toSorted());
  });

  it("is nothing after an end", () => {
    const ends = ActionStatus.options.filter(hasEnded);
    expect(ends).toEqual(["completed", "failed", "cancelled", "rejected", "expired"]);
  });

  it("is the same in the database", async () => {
    const database = await createTestDatabase();
    const [row] = await database.sql`
      select prosrc as source from pg_proc where proname = 'check_action_transition'`;
    await database.close();
    const inDatabase = [...String(row?.["source"]).matchAll(/'([a-z]+ [a-z]+)'/g)].map(
      ([, pair]) => pair,
    );
    const here = ActionStatus.options.flatMap((from) =>
      ActionStatus.options.filter((to) => mayFollow(from, to)).map((to) => `${from} ${to}`),
    );
    expect(inDatabase.toSorted()).toEqual(here.toSorted());
  });
});
