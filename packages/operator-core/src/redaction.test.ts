import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redactSecrets } from "./redaction.ts";

// Joined from parts, so that no scanner takes this file for a leak. None of them was ever valid.
const letters = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW0xY5zA7bC9dE1fG3";
const make = (...parts: string[]): string => parts.join("");
const base64url = (value: object): string =>
  Buffer.from(JSON.stringify(value)).toString("base64url");
const dashes = "-----";

const gone = "[redacted:secret-value]";

const secrets: [kind: string, name: string, text: string][] = [
  ["github-token", "classic", make("gh", "p_", letters.slice(0, 36))],
  ["github-token", "OAuth", make("gh", "o_", letters.slice(0, 36))],
  ["github-token", "server to server", make("gh", "s_", letters.slice(0, 36))],
  ["github-token", "fine-grained", make("github", "_pat_", letters.slice(0, 22), "_", letters)],
  ["openai-key", "user", make("sk", "-", letters, "4x")],
  ["openai-key", "project", make("sk", "-proj-", letters, "-_", letters)],
  ["anthropic-key", "api", make("sk", "-ant-", "api03-", letters, "-", letters)],
  ["aws-access-key", "long-lived", make("AK", "IA", "QYLPMN5HHHFPZAM2")],
  ["aws-access-key", "temporary", make("AS", "IA", "QYLPMN5HHHFPZAM2")],
  ["slack-token", "bot", make("xox", "b-", "123456789012-1234567890123-", letters.slice(0, 24))],
  ["slack-token", "user", make("xox", "p-", "123456789012-1234567890123-", letters.slice(0, 24))],
  ["npm-token", "granular", make("npm", "_", letters.slice(0, 36))],
  ["jarvis-token", "of its own API", make("jarvis", "_", letters.slice(0, 43))],
  ["gitlab-token", "personal", make("gl", "pat-", letters.slice(0, 20))],
  ["stripe-key", "live", make("sk", "_live_", letters.slice(0, 24))],
  ["google-key", "api", make("AI", "za", letters.slice(0, 35))],
  [
    "jwt",
    "signed",
    make(base64url({ alg: "HS256" }), ".", base64url({ sub: "1" }), ".", letters.slice(0, 43)),
  ],
  [
    "private-key",
    "PKCS 8",
    make(dashes, "BEGIN PRIVATE KEY", dashes, "\nMIIEv\n", dashes, "END PRIVATE KEY", dashes),
  ],
  [
    "private-key",
    "OpenSSH",
    make(
      dashes,
      "BEGIN OPENSSH PRIVATE KEY",
      dashes,
      "\nb3Blb\n",
      dashes,
      "END OPENSSH PRIVATE KEY",
      dashes,
    ),
  ],
  ["private-key", "RSA, cut off", make(dashes, "BEGIN RSA PRIVATE KEY", dashes, "\nMIIEpAIBAAK")],
];

const harmless: [name: string, text: string][] = [
  ["a git object name", "9fceb02d0ae598e95dc970b74767f19372d61af8"],
  ["a digest", `sha256:${"0123456789abcdef".repeat(4)}`],
  ["a bare digest", "0123456789abcdef".repeat(4)],
  ["a UUID", "550e8400-e29b-41d4-a716-446655440000"],
  ["base64 of ordinary text", Buffer.from("The quick brown fox jumps over it").toString("base64")],
  ["base64 of JSON", Buffer.from('{"a":"ordinary","b":1}').toString("base64")],
  ["a URL", "https://example.com:8443/path?query=1#part"],
  ["a URL with a user and no password", "ssh://git@github.com/owner/name.git"],
  ["a scp-like remote", "git@github.com:owner/name.git"],
  ["a time of day after a URL", "http://localhost:3000 at 12:30 by me@example.com"],
  ["words about tokens", "token: the-word-that-follows-is-no-secret"],
  ["the word bearer", "Bearer authentication is described in RFC 6750"],
  ["a kebab-case name", "task-force-for-a-very-long-and-ordinary-name"],
  ["a public key", `${dashes}BEGIN PUBLIC KEY${dashes}\nMIIB\n${dashes}END PUBLIC KEY${dashes}`],
  ["words about an option", "the option --token requires a value; see --password-file and --token"],
  ["options one after another", "--password --token --verbose"],
  ["an npm script", "npm_config_registry=https://registry.npmjs.org/"],
  ["a version", "pnpm@12.21.0+sha512.0123456789"],
  ["an idempotency key", "idempotencyKey=run-550e8400-e29b-41d4-a716-446655440000"],
];

describe("what is redacted", () => {
  it.each(secrets)("a %s (%s), alone and in the middle of text", (kind, _, secret) => {
    expect(redactSecrets(secret)).toEqual({ value: `[redacted:${kind}]`, redactions: 1 });
    const inText = redactSecrets(`output "${secret}" and more`);
    expect(inText.redactions).toBe(1);
    expect(inText.value).toMatch(/^output "\[redacted:[a-z0-9-]+\]/);
    expect(inText.value).not.toContain(secret.slice(8, 24));
  });

  it.each([
    ["Authorization: Bearer abc.def", "Authorization: Bearer [redacted:authorization]"],
    ["authorization: basic dXNlcjpwYXNz", "authorization: basic [redacted:authorization]"],
    [`{"Authorization":"token ${letters}"}`, `{"Authorization":"token [redacted:authorization]"}`],
    [`curl -H 'Bearer ${letters}'`, "curl -H 'Bearer [redacted:authorization]'"],
    [
      make("postgres://user", ":hunter2@", "db.example/x"),
      "postgres://user:[redacted:url-password]@db.example/x",
    ],
    [
      make("redis://", ":hunter2@", "cache:6379 and mongodb+srv://u", ":p%40ss@", "h"),
      "redis://:[redacted:url-password]@cache:6379 and mongodb+srv://u:[redacted:url-password]@h",
    ],
    [
      `AWS_SECRET_ACCESS_KEY=${letters.slice(0, 40)}`,
      "AWS_SECRET_ACCESS_KEY=[redacted:secret-value]",
    ],
    [`export API_TOKEN="${letters}"`, `export API_TOKEN="[redacted:secret-value]"`],
    ["db_password: hunter22", "db_password: [redacted:secret-value]"],
    [`Authorization: ${letters}`, "Authorization: [redacted:secret-value]"],
    [
      "host=db user=me password=abc dbname=x",
      "host=db user=me password=[redacted:secret-value] dbname=x",
    ],
    ["Server=db;Uid=me;Pwd=hunter2;", "Server=db;Uid=me;Pwd=[redacted:secret-value];"],
    ["PGPASSWORD=x psql", "PGPASSWORD=[redacted:secret-value] psql"],
  ])("%s", (text, expected) => {
    expect(redactSecrets(text).value).toBe(expected);
  });

  it.each([
    [{ Authorization: "Bearer short" }, { Authorization: "Bearer [redacted:authorization]" }],
    [{ authorization: "Basic dXNlcjpw" }, { authorization: "Basic [redacted:authorization]" }],
    [
      { headers: { "Proxy-Authorization": `Digest u="a", r="${letters}"` } },
      { headers: { "Proxy-Authorization": "Digest [redacted:authorization]" } },
    ],
    [{ authorization: letters }, { authorization: "[redacted:secret-value]" }],
    [{ authorization: "optional" }, { authorization: "optional" }],
  ])("a header in a structure: %j", (value, expected) => {
    expect(redactSecrets(value).value).toEqual(expected);
    expect(redactSecrets(expected)).toEqual({ value: expected, redactions: 0 });
  });

  it("is found at any depth, in lists, in keys, and by the name it is under", () => {
    const token = make("gh", "p_", letters.slice(0, 36));
    const { value, redactions } = redactSecrets({
      steps: [{ output: `cloned with ${token}` }, [token]],
      [token]: 1,
      clientSecret: letters,
      password: "hunter2",
      count: 3,
      none: null,
    });
    expect(value).toEqual({
      steps: [{ output: "cloned with [redacted:github-token]" }, ["[redacted:github-token]"]],
      "[redacted:github-token]": 1,
      clientSecret: "[redacted:secret-value]",
      password: "[redacted:secret-value]",
      count: 3,
      none: null,
    });
    expect(redactions).toBe(5);
  });

  it.each([
    [{ password: ["hunter2", "x"] }, { password: [gone, gone] }],
    [{ password: { current: "hunter2" } }, { password: { current: gone } }],
    [{ clientSecret: { value: letters } }, { clientSecret: { value: gone } }],
    [
      { tokens: 1, token: { a: [{ b: letters }] } },
      { tokens: 1, token: { a: [{ b: gone }] } },
    ],
    [{ password: { token: "short" } }, { password: { token: gone } }],
    [{ authorization: ["Bearer a"] }, { authorization: ["Bearer [redacted:authorization]"] }],
    [{ token: { kind: "promotion-paused" } }, { token: { kind: "promotion-paused" } }],
  ])("what lies in lists and objects under a name that speaks of it: %j", (value, expected) => {
    expect(redactSecrets(value).value).toEqual(expected);
    expect(redactSecrets(expected)).toEqual({ value: expected, redactions: 0 });
  });

  it.each([
    ["mysql --password hunter2 -h db", `mysql --password ${gone} -h db`],
    ["mysql -password=x;", `mysql -password=${gone};`],
    ["curl --api-key=abc --token t0k", `curl --api-key=${gone} --token ${gone}`],
    ["npm --token=abcdefgh publish", `npm --token=${gone} publish`],
    [`login --password "correct horse" --now`, `login --password "${gone}" --now`],
    [`ran ["login","--password","correct horse"]`, `ran ["login","--password","${gone}"]`],
    [`{"l":"[\\"--token\\",\\"x\\"]"}`, `{"l":"[\\"--token\\",\\"${gone}"]"}`],
    ["run --password --token abc1", `run --password --token ${gone}`],
  ])("the value of an option, in text: %s", (text, expected) => {
    expect(redactSecrets(text).value).toBe(expected);
    expect(redactSecrets(expected)).toEqual({ value: expected, redactions: 0 });
  });

  it("the value of an option in any list of arguments, whatever it is", () => {
    const name = fc.constantFrom("--password", "--token", "-passwd", "--api-key", "--db-password");
    const secret = fc.string({ minLength: 1 }).filter((text) => !/^(-|\[redacted:)/.test(text));
    const others = fc.array(fc.constantFrom("run", "--verbose", "-h", "db"));
    fc.assert(
      fc.property(others, name, secret, others, (before, option, value, after) => {
        const { value: argv } = redactSecrets([...before, option, value, ...after]);
        expect(argv).toEqual([...before, option, gone, ...after]);
      }),
    );
  });

  it("is not redacted twice", () => {
    const texts = [...secrets.map(([, , text]) => text), make("postgres://u", ":pw@", "h/d")];
    const once = redactSecrets({ texts, password: "hunter2", line: "password=hunter22" }).value;
    expect(redactSecrets(once)).toEqual({ value: once, redactions: 0 });
  });
});

describe("what is left alone", () => {
  it.each(harmless)("%s", (_, text) => {
    expect(redactSecrets({ text })).toEqual({ value: { text }, redactions: 0 });
  });

  it("is digests and words even under a name that speaks of secrets", () => {
    const value = {
      token: "promotion-paused",
      tokenCount: 12,
      secretDigest: `sha256:${"a1".repeat(32)}`,
    };
    expect(redactSecrets(value)).toEqual({ value, redactions: 0 });
  });

  it("is the given value itself: a copy is answered", () => {
    const given = { password: "hunter2" };
    redactSecrets(given);
    expect(given).toEqual({ password: "hunter2" });
  });
});

describe("hostile text", () => {
  it.each([
    ["dots", "a.".repeat(200_000)],
    ["dashes", `${dashes}BEGIN `.repeat(40_000)],
    ["token starts", "eyJ".repeat(100_000)],
    ["names", "secret_".repeat(60_000)],
    ["schemes", "a://".repeat(100_000)],
    ["options", "--token ".repeat(100_000)],
    ["options with a value", "--password=a ".repeat(60_000)],
    ["options in a list", '"--token","'.repeat(60_000)],
    ["quotes", `--token="`.repeat(60_000)],
    ["spaces after an option", `--token${" ".repeat(200_000)}`],
    ["backslashes after an option", `--token${"\\".repeat(200_000)}`],
  ])("of many %s is read in linear time", (_, text) => {
    const from = performance.now();
    redactSecrets(text);
    expect(performance.now() - from).toBeLessThan(3000);
  });

  it("that is nested too deep is cut, not let through", () => {
    let value: unknown = make("gh", "p_", letters.slice(0, 36));
    for (let depth = 0; depth < 100; depth += 1) value = [value];
    expect(JSON.stringify(redactSecrets(value).value)).toContain("[redacted:too-deep]");
  });

  it("cannot reach a prototype", () => {
    const { value } = redactSecrets(JSON.parse('{"__proto__": {"mode": "execute"}}'));
    expect((value as { mode?: string }).mode).toBeUndefined();
  });
});
