import { sign, verify } from "node:crypto";
import {
  bundleFromJSON,
  bundleToJSON,
  isBundleWithDsseEnvelope,
  toDSSEBundle,
} from "@sigstore/bundle";
import { dsse } from "@sigstore/core";
import { LedgerError } from "../errors.ts";
import type { NoteSigner, NoteVerifier } from "../notes/signed-note.ts";

const IN_TOTO = "application/vnd.in-toto+json";

/** An in-toto statement in a signed DSSE envelope, as one line of a sigstore bundle's JSON. */
export function signStatement(statement: object, signer: NoteSigner): string {
  const artifact = Buffer.from(JSON.stringify(statement));
  const bundle = toDSSEBundle({
    artifact,
    artifactType: IN_TOTO,
    signature: sign(null, dsse.preAuthEncoding(IN_TOTO, artifact), signer.privateKey),
    keyHint: signer.keyId,
  });
  return JSON.stringify(bundleToJSON(bundle));
}

/**
 * The statement in a bundle that one of the keys signed. Nothing else of the bundle is believed.
 * @throws LedgerError `malformed-bundle`
 */
export function openStatement(
  text: string,
  verifiers: readonly NoteVerifier[],
): { statement: unknown; keyId: string } {
  const bundle = parse(text);
  if (!isBundleWithDsseEnvelope(bundle)) throw malformed("it holds no DSSE envelope");
  const { payload, payloadType, signatures } = bundle.content.dsseEnvelope;
  if (payloadType !== IN_TOTO) throw malformed(`its payload is no in-toto statement`);
  const signed = dsse.preAuthEncoding(payloadType, payload);
  for (const { keyid, sig } of signatures) {
    const verifier = verifiers.find(({ keyId }) => keyId === keyid);
    if (verifier === undefined || !verify(null, signed, verifier.publicKey, sig)) continue;
    return { statement: JSON.parse(payload.toString("utf8")), keyId: keyid };
  }
  throw malformed("no key of the ledger has signed it");
}

function parse(text: string) {
  try {
    return bundleFromJSON(JSON.parse(text));
  } catch (cause) {
    throw malformed("it is not a sigstore bundle", cause);
  }
}

function malformed(what: string, cause?: unknown): LedgerError {
  return new LedgerError("malformed-bundle", `The attestation cannot be used: ${what}.`, { cause });
}
