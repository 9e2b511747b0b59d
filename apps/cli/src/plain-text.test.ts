import { expect, it } from "vitest";
import { plain, plainLines } from "./plain-text.ts";

it.each([
  ["a line break", "good\npromotion  open", "good promotion  open"],
  ["a Windows line break", "a\r\nb", "a b"],
  ["a carriage return, which writes over the line", "bad\rgood", "bad?good"],
  ["a tab, which moves what follows", "a\tb", "a b"],
  ["an override of the direction", "a\u202etxt.exe", "a?txt.exe"],
  ["an isolate", "a\u2066b\u2069", "a?b?"],
  ["a line separator", "a\u2028b", "a?b"],
  ["a space of no width", "pass\u200bword", "pass?word"],
  ["a colour", "\u001b[31mred", "?[31mred"],
  ["half a character", "a\ud800b", "a?b"],
  ["a letter of another script", "Zoë שלום 名", "Zoë שלום 名"],
])("one line of text keeps nobody from reading it: %s", (_, text, shown) => {
  expect(plain(text)).toBe(shown);
});

it("text of several lines stays behind what is ours", () => {
  expect(plainLines("first\nmode       execute\r\n\tlast\u202e", "  ")).toBe(
    "first\n  mode       execute\n      last?",
  );
});
