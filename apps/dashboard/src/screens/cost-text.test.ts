import { expect, it } from "vitest";
import { costOfAccepted, spentText } from "./cost-text.ts";

const two = { attempts: 5, accepted: 2, inputTokens: 9_000, outputTokens: 1_000, microUsd: 42_000 };

it.each([
  [
    "what was not accepted counts too",
    two,
    "$0.021, 5,000 tokens: 2 accepted of 5 tried, $0.042, 10,000 tokens in all.",
  ],
  [
    "no price, no money",
    { ...two, microUsd: 0 },
    "5,000 tokens: 2 accepted of 5 tried, 10,000 tokens in all.",
  ],
  [
    "nothing accepted",
    { ...two, accepted: 0 },
    "Nothing was accepted yet: $0.042, 10,000 tokens for 0 accepted of 5 tried.",
  ],
  [
    "nothing asked",
    { ...two, inputTokens: 0, outputTokens: 0 },
    "No model was asked in these days.",
  ],
])("says what an accepted change costs: %s", (_what, author, text) => {
  expect(costOfAccepted(author)).toBe(text);
});

it("says what one attempt took", () => {
  expect(spentText(two)).toBe("$0.042, 10,000 tokens");
});
