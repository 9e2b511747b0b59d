import { dsse } from "@sigstore/core";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Frontier } from "./merkle/frontier.ts";
import { EMPTY_ROOT, hashLeaf } from "./merkle/hashes.ts";
import { decodeVerifier, encodeVerifier, openNote } from "./notes/signed-note.ts";
import { canonicalJson } from "./rows/canonical-json.ts";
import { hasExactNumbers } from "./rows/exact-numbers.ts";
import { formOf, leafContent } from "./rows/leaf.ts";

/** Of the reference implementation of RFC 6962 (certificate-transparency, merkle_tree_test). */
const inputs = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];
const roots = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

describe("public test vectors", () => {
  it("RFC 6962: roots of one to eight leaves, and of none", () => {
    expect(EMPTY_ROOT.toString("hex")).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    const frontier = new Frontier();
    const seen = inputs.map((input) => {
      frontier.append(hashLeaf(Buffer.from(input, "hex")));
      return frontier.root().toString("hex");
    });
    expect(seen).toEqual(roots);
  });

  it("C2SP signed-note: the example of Go's note package", () => {
    const key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const text =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const note = `${text}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;
    const verifier = decodeVerifier(key);
    expect(encodeVerifier(verifier)).toBe(key);
    expect(openNote(note, [verifier]).text).toBe(text);
    expect(() => openNote(note.replace("answer", "Answer"), [verifier])).toThrow("does not fit");
  });

  it("RFC 8785: sorting of properties and writing of numbers and strings", () => {
    const sorted = {
      "\u20ac": 1,
      "\r": 2,
      "\ufb33": 3,
      "1": 4,
      "\u{1f600}": 5,
      "\u0080": 6,
      "\u00f6": 7,
    };
    expect(canonicalJson(sorted)).toBe(
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}',
    );
    const numbers = [Number("333333333.33333329"), 1e30, 4.5, 0.002, 0.000000000000000000000000001];
    expect(canonicalJson(numbers)).toBe("[333333333.3333333,1e+30,4.5,0.002,1e-27]");
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/')).toBe(
      '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"',
    );
  });

  it("RFC 8785: of any JSON, what the package writes", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const value: unknown = JSON.parse(text);
        expect(canonicalJson(value)).toBe(canonicalize(value));
      }),
      { numRuns: 500, seed: 8785 },
    );
    const odd: unknown = JSON.parse('{"__proto__": {"10": 1, "9": [], "": {}}, "toJSON": 1}');
    expect(canonicalJson(odd)).toBe('{"__proto__":{"":{},"10":1,"9":[]},"toJSON":1}');
  });

  it("RFC 8785: whatever was written before, of keys that look alike", () => {
    const alike = [
      "{}",
      '{"":1}',
      '{"a,b":1}',
      '{"a":1,"b":2}',
      '{"a":1,"b,c":2}',
      '{"a,b":1,"c":2}',
    ];
    for (const text of [...alike, ...alike.toReversed(), '{"b":2,"a":1}']) {
      const value: unknown = JSON.parse(text);
      expect(canonicalJson(value)).toBe(canonicalize(value));
    }
  });

  it("DSSE: the bytes that are signed", () => {
    const bytes = dsse.preAuthEncoding("http://example.com/HelloWorld", Buffer.from("hello world"));
    expect(bytes.toString()).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  });
});

describe("a row that RFC 8785 cannot say exactly", () => {
  it.each([
    ["0.1", true],
    ["-17", true],
    ["1000000000000000000000", true],
    ["0.0000001", true],
    ["9007199254740993", false],
    ["12345678901234567890", false],
    ["1.0", false],
    ["0.10", false],
    ["0.1000000000000000055511151231257827", false],
  ])("%s: %s", (number, isExact) => {
    expect(hasExactNumbers(`{"a": ${number}, "b": "1.0 and 9007199254740993"}`)).toBe(isExact);
  });

  it("is kept as its text, as is one that is nested too deeply", () => {
    const text = '{"id": 1, "n": 9007199254740993}';
    const contentOf = (json: string): string =>
      leafContent("ledger_records", { json, form: formOf(json) });
    const content = contentOf(text);
    expect(JSON.parse(content)).toEqual({ ledger: "ledger_records", rowText: text });
    const deep = `{"id": 1, "n": ${"[".repeat(5000)}${"]".repeat(5000)}}`;
    expect(contentOf(deep)).toContain("rowText");
    const plain = contentOf('{"id": 1, "b": null, "a": {"z": 1, "aa": 2}}');
    expect(plain).toBe('{"ledger":"ledger_records","row":{"a":{"aa":2,"z":1},"id":1}}');
  });
});
