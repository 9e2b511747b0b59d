/** What a promotion's attestation is made of. SHAs are git's, digests `sha256:<hex>`. */
export interface PromotionFacts {
  readonly runId: string;
  readonly repository: string;
  readonly baseSha: string;
  readonly headSha: string;
  readonly treeSha: string;
  readonly releaseDigest: string;
  readonly evidenceDigest: string;
  readonly configDigest: string;
  readonly verifiedAt: string;
  readonly sandbox: { readonly tier: string; readonly version: string };
  readonly testEvidence: string;
  readonly gates: readonly {
    readonly name: string;
    readonly status: string;
    /** What the control test, which has to fail, came to; null where the gate has none. */
    readonly control: string | null;
  }[];
  /** The action whose permit lets the change land, and who approved it where somebody had to. */
  readonly permit: { readonly actionId: number; readonly approvedBy: string | null };
}

const STATEMENT = "https://in-toto.io/Statement/v1";
const VERIFIER = "https://jarvis.local/kernel";

/** What the tests said, about the commit, its tree and what was built of it (test-result v0.1). */
export function testResultStatement(facts: PromotionFacts): object {
  const named = (status: string): string[] =>
    facts.gates.filter((gate) => gate.status === status).map(({ name }) => name);
  return {
    _type: STATEMENT,
    subject: subjectsOf(facts),
    predicateType: "https://in-toto.io/attestation/test-result/v0.1",
    predicate: {
      result: facts.gates.every(({ status }) => status === "passed") ? "PASSED" : "FAILED",
      configuration: [
        { name: "jarvis.config.json of the base", digest: sha256(facts.configDigest) },
      ],
      passedTests: named("passed"),
      warnedTests: [],
      failedTests: facts.gates.filter(({ status }) => status !== "passed").map(({ name }) => name),
    },
  };
}

/** What was decided, by which policy, on which evidence (SLSA verification summary v1). */
export function verificationSummaryStatement(facts: PromotionFacts): object {
  return {
    _type: STATEMENT,
    subject: subjectsOf(facts),
    predicateType: "https://slsa.dev/verification_summary/v1",
    predicate: {
      verifier: { id: VERIFIER },
      timeVerified: facts.verifiedAt,
      resourceUri: `git+${facts.repository}@${facts.headSha}`,
      policy: {
        uri: `git+${facts.repository}@${facts.baseSha}#jarvis.config.json`,
        digest: sha256(facts.configDigest),
      },
      inputAttestations: [
        { uri: `jarvis:blob/${facts.evidenceDigest}`, digest: sha256(facts.evidenceDigest) },
      ],
      verificationResult: facts.gates.every(({ status }) => status === "passed")
        ? "PASSED"
        : "FAILED",
      // The levels are ours: SLSA has none for what an agent may do to itself.
      verifiedLevels: [
        `JARVIS_TEST_EVIDENCE_${facts.testEvidence.toUpperCase().replaceAll("-", "_")}`,
      ],
      slsaVersion: "1.1",
      // Beyond the predicate: what a person asks first.
      jarvis: {
        runId: facts.runId,
        base: facts.baseSha,
        head: facts.headSha,
        tree: facts.treeSha,
        sandbox: facts.sandbox,
        gates: facts.gates,
        permit: facts.permit,
      },
    },
  };
}

function subjectsOf({ headSha, treeSha, releaseDigest }: PromotionFacts): object[] {
  return [
    { name: "commit", digest: { gitCommit: headSha } },
    { name: "tree", digest: { gitTree: treeSha } },
    { name: "release", digest: sha256(releaseDigest) },
  ];
}

function sha256(digest: string): { sha256: string } {
  return { sha256: digest.replace(/^sha256:/, "") };
}
