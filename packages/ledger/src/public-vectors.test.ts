import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { dsse } from "@sigstore/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { verifyConsistency, verifyInclusion } from "./merkle/verify-proof.ts";
import { readTreeHead } from "./notes/checkpoint.ts";
import { decodeVerifier, openNote } from "./notes/signed-note.ts";
import { canonicalJson } from "./rows/canonical-json.ts";

// Cut from the repositories that are named in it, by scripts/cut-vectors.mjs.
const { inclusion, consistency, canonical, envelope, note, checkpoint } = read();

describe("proofs of the reference verifier of RFC 6962 (transparency-dev/merkle)", () => {
  it("are all there, those that hold and those that do not", () => {
    const holding = (cases: readonly { readonly wantErr: boolean }[]): number =>
      cases.filter(({ wantErr }) => !wantErr).length;
    expect([inclusion.cases.length, holding(inclusion.cases)]).toEqual([98, 6]);
    expect([consistency.cases.length, holding(consistency.cases)]).toEqual([98, 6]);
  });

  it.each(inclusion.cases)("inclusion $path: $desc", (proof) => {
    const leaf = { index: proof.leafIdx, hash: proof.leafHash };
    const tree = { size: proof.treeSize, root: proof.root };
    expect(verifyInclusion(leaf, tree, proof.proof)).toBe(!proof.wantErr);
  });

  it.each(consistency.cases)("consistency $path: $desc", (proof) => {
    const first = { size: proof.size1, root: proof.root1 };
    const second = { size: proof.size2, root: proof.root2 };
    expect(verifyConsistency(first, second, proof.proof)).toBe(!proof.wantErr);
  });
});

describe("RFC 8785, by the files of its author (cyberphone/json-canonicalization)", () => {
  it.each(canonical.cases)("$name, to the byte", ({ input, outputHex }) => {
    expect(Buffer.from(canonicalJson(JSON.parse(input))).toString("hex")).toBe(outputHex);
  });
});

describe("the example of DSSE's protocol (secure-systems-lab/dsse)", () => {
  const { payload, payloadType, signatures } = envelope.envelope;

  it("is signed over the bytes that we sign", () => {
    const signed = dsse.preAuthEncoding(payloadType, Buffer.from(payload, "base64"));
    expect(signed.toString()).toBe(envelope.preAuthEncoding);
    expect(holds(signed)).toBe(true);
    expect(holds(dsse.preAuthEncoding(payloadType, Buffer.from("hello wOrld")))).toBe(false);
  });

  function holds(signed: Buffer): boolean {
    const coordinate = (decimal: string): string =>
      Buffer.from(BigInt(decimal).toString(16).padStart(64, "0"), "hex").toString("base64url");
    const { x, y } = envelope.publicKey;
    const jwk = { kty: "EC", crv: "P-256", x: coordinate(x), y: coordinate(y) };
    const key = createPublicKey({ key: jwk, format: "jwk" });
    const signature = Buffer.from(signatures[0]?.sig ?? "", "base64");
    return verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature);
  }
});

describe("the examples of C2SP", () => {
  it("a signed note opens with its key, and not once a word of it is another", () => {
    const verifier = decodeVerifier(note.key);
    expect(openNote(note.note, [verifier]).text).toBe("This is an example message.\n");
    const changed = note.note.replace("example message", "exemplary message");
    expect(() => openNote(changed, [verifier])).toThrow("does not fit");
  });

  it("a checkpoint is read as what it says", () => {
    expect(readTreeHead(checkpoint.note)).toEqual({
      origin: "example.com/behind-the-sofa",
      size: 20_852_163,
      root: Buffer.from("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "base64"),
    });
  });
});

function read() {
  const hash = z
    .string()
    .nullable()
    .transform((text) => Buffer.from(text ?? "", "base64"));
  const proof = z
    .array(hash)
    .nullable()
    .transform((hashes) => hashes ?? []);
  const told = { path: z.string(), desc: z.string(), wantErr: z.boolean(), proof };
  const schema = z.object({
    inclusion: z.object({
      cases: z.array(
        z.object({
          ...told,
          leafIdx: z.number(),
          treeSize: z.number(),
          root: hash,
          leafHash: hash,
        }),
      ),
    }),
    consistency: z.object({
      cases: z.array(
        z.object({ ...told, size1: z.number(), size2: z.number(), root1: hash, root2: hash }),
      ),
    }),
    canonical: z.object({
      cases: z.array(z.object({ name: z.string(), input: z.string(), outputHex: z.string() })),
    }),
    envelope: z.object({
      preAuthEncoding: z.string(),
      publicKey: z.object({ x: z.string(), y: z.string() }),
      envelope: z.object({
        payload: z.string(),
        payloadType: z.string(),
        signatures: z.array(z.object({ sig: z.string() })),
      }),
    }),
    note: z.object({ key: z.string(), note: z.string() }),
    checkpoint: z.object({ note: z.string() }),
  });
  const file = new URL("../test-fixtures/vectors.json", import.meta.url);
  return schema.parse(JSON.parse(readFileSync(file, "utf8")));
}
