import type { RunResult } from "@jarvis/tools/answers";
import { expect, it } from "vitest";
import { standsStill } from "./proposals.ts";

it.each<[RunResult["status"], RunResult["blockReasons"], boolean, boolean]>([
  ["proposed", [], true, false],
  ["blocked", ["isolated-verification-failed"], false, true],
  ["failed", [], false, true],
  ["parked", ["promotion-paused"], false, true],
  ["parked", ["protected-path"], false, true],
  ["parked", ["promotion-paused"], true, false],
  ["parked", ["health-window-open"], false, false],
  ["parked", ["health-window-open", "promotion-paused"], false, true],
  ["parked", ["status-pending"], false, false],
])("a run that is %s for %j, worked on: %s, is waited for no longer: %s", (...given) => {
  const [status, blockReasons, isWorkedOn, expected] = given;
  expect(standsStill({ status, blockReasons }, isWorkedOn)).toBe(expected);
});
