import { expect, it } from "vitest";
import { KeptAnswers } from "./kept-answers.ts";

const mirror = { gitDir: "/a/mirror.git" };
const id = (digit: string): string => digit.repeat(40);

it("asks once for what a full id names, and each time for what a name may mean later", async () => {
  const { kept, asked } = asking();
  for (let times = 0; times < 2; times += 1) {
    await kept.of(mirror, [id("a")], answer("a"));
    await kept.of(mirror, [id("a")], answer("a, of a file"), "file");
    await kept.of({ gitDir: "/another.git" }, [id("a")], answer("a, elsewhere"));
    await kept.of(mirror, [id("a"), "main"], answer("main"));
    await kept.of(mirror, [id("a").slice(1)], answer("a beginning"));
  }
  const named = ["main", "a beginning"];
  expect(asked).toEqual(["a", "a, of a file", "a, elsewhere", ...named, ...named]);

  function answer(what: string): () => Promise<string> {
    return async () => {
      asked.push(what);
      return await Promise.resolve(what);
    };
  }
});

it("keeps no failure, nothing large, and not more than so many", async () => {
  const { ask } = asking();
  await expect(ask("f", new Error("no object"))).rejects.toThrow("no object");
  expect(await ask("f", "there now")).toBe("there now");
  await ask("0", "a large answer, which is read again");
  expect(await ask("0", "read again")).toBe("read again");
  for (const digit of ["1", "2", "3", "4"]) await ask(digit, digit);
  expect(await ask("4", "anew")).toBe("4");
  expect(await ask("f", "asked anew")).toBe("asked anew");
});

function asking() {
  const kept = new KeptAnswers<string>(4, (answer) => answer.length <= 20);
  const ask = async (digit: string, answer: string | Error): Promise<string> =>
    await kept.of(mirror, [id(digit)], async () => {
      if (answer instanceof Error) throw answer;
      return await Promise.resolve(answer);
    });
  return { kept, ask, asked: [] as string[] };
}
