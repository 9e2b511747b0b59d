import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";

import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  forgeWorld,
  git,
  octokitFor,
  refusal,
  withToken,
  type ForgeWorld,
} from "../testing/forge-world.ts";
import { openApp } from "./app.ts";
import { isAppToken } from "./app-token.ts";

const ID = 4711;
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = (key: KeyObject): string =>
  key.export({ type: key.type === "public" ? "spki" : "pkcs1", format: "pem" }).toString();

let world: ForgeWorld;
beforeAll(async () => {
  world = await forgeWorld({ app: { id: ID, publicKey: pem(keys.publicKey) } });
});
afterAll(() => world[Symbol.asyncDispose]());

/** The app as a client of GitHub's signs in, unmodified. */
function app(installationId?: number): Octokit {
  return new Octokit({
    baseUrl: world.forge.apiUrl,
    authStrategy: createAppAuth,
    auth: {
      appId: ID,
      privateKey: pem(keys.privateKey),
      ...(installationId === undefined ? {} : { installationId }),
    },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
}

describe("an app", () => {
  it("learns of itself and its installation, and gets a token that writes as its bot", async () => {
    const signedIn = app();
    expect((await signedIn.apps.getAuthenticated()).data).toMatchObject({ id: ID, slug: "jarvis" });
    const { data: installation } = await signedIn.apps.getRepoInstallation(world.repo);
    expect(installation.permissions).toEqual({
      contents: "write",
      metadata: "read",
      pull_requests: "write",
      statuses: "write",
    });
    const { id } = installation;
    expect((await signedIn.apps.getInstallation({ installation_id: id })).data.app_id).toBe(ID);

    const installed = app(id);
    const status = await installed.repos.createCommitStatus({
      ...world.repo,
      sha: world.seedCommit,
      state: "success",
    });
    expect(status.data.creator).toMatchObject({ login: "jarvis[bot]", type: "Bot" });
    const bot = await installed.users.getByUsername({ username: "jarvis[bot]" });
    expect(bot.data.id).toBe(status.data.creator?.id);
    expect((await refusal(installed.users.getByUsername({ username: "nobody" }))).status).toBe(404);
  });

  it("is given its installation only, and what that was granted only", async () => {
    const { status } = await refusal(
      app().apps.createInstallationAccessToken({ installation_id: 2 }),
    );
    expect(status).toBe(404);
    expect((await refusal(app().apps.getInstallation({ installation_id: 2 }))).status).toBe(404);
    const installed = app(1);
    expect((await refusal(installed.users.getAuthenticated())).status).toBe(403);
    const protection = installed.repos.getBranchProtection({ ...world.repo, branch: "main" });
    expect((await refusal(protection)).status).toBe(403);
  });

  it("is nobody with its signature but where it asks for a token, and nobody else asks there", async () => {
    const { token } = (await app().auth({ type: "app" })) as { token: string };
    const signed = octokitFor(world.forge, token);
    expect((await refusal(signed.repos.get(world.repo))).status).toBe(401);
    const cloned = git(world.directory, "ls-remote", withToken(world.forge, token));
    await expect(cloned).rejects.toThrow("Authentication failed");
    expect((await refusal(world.octokit.apps.getAuthenticated())).status).toBe(401);
    expect((await refusal(world.octokit.apps.getRepoInstallation(world.repo))).status).toBe(401);
  });

  it("clones with its token, which is good until it expires or the forge forgets it", async () => {
    const { data } = await app().apps.createInstallationAccessToken({ installation_id: 1 });
    const url = withToken(world.forge, data.token);
    expect(await git(world.directory, "ls-remote", url, "HEAD")).toContain(world.seedCommit);
    await world.restart();
    expect((await refusal(octokitFor(world.forge, data.token).repos.get(world.repo))).status).toBe(
      401,
    );
    const short = openApp({ id: ID, publicKey: pem(keys.publicKey), tokenSeconds: 0 });
    expect(short.tokens.isGood(short.tokens.issue().token)).toBe(false);
    expect(() => openApp({ id: ID, publicKey: "no key" })).toThrow("cannot be read");
  });
});

describe("the signature of an app", () => {
  const now = 1_800_000_000;
  const good = { iss: String(ID), iat: now - 30, exp: now + 570 };
  const isGood = (token: string): boolean =>
    isAppToken(token, { id: ID, publicKey: keys.publicKey }, now);

  it("is taken as the client makes it, and with the number for the issuer", () => {
    expect(isGood(sign(good))).toBe(true);
    expect(isGood(sign({ ...good, iss: ID }))).toBe(true);
  });

  it.each<[string, string]>([
    ["another app", sign({ ...good, iss: "1" })],
    ["an old one", sign({ ...good, exp: now })],
    ["one from the future", sign({ ...good, iat: now + 120 })],
    ["one that lives too long", sign({ ...good, exp: now + 700 })],
    ["no signature", sign(good).replace(/[^.]+$/u, "")],
    ["the algorithm none", sign(good, { alg: "none" })],
    ["another algorithm", sign(good, { alg: "HS256" })],
    ["claims that were changed", sign(good).replace(/\.[^.]+\./u, `.${encode(good)}A.`)],
    ["a fourth part", `${sign(good)}.x`],
    ["nonsense", "a.b.c"],
  ])("is refused: %s", (_, token) => {
    expect(isGood(token)).toBe(false);
  });
});

it("redirects who uses a name that the repository had before", async () => {
  await using renamed = await forgeWorld({ formerNames: ["old"] });
  const { data } = await renamed.octokit.repos.get(renamed.repo);
  for (const path of ["", "/git/ref/heads%2Fmain"]) {
    const response = await fetch(`${renamed.forge.apiUrl}/repos/local/old${path}`, {
      headers: { authorization: `Bearer ${renamed.forge.token}` },
      redirect: "manual",
    });
    expect(response.status).toBe(301);
    expect(response.headers.get("location")).toBe(
      `${renamed.forge.apiUrl}/repositories/${data.id}${path}`,
    );
  }
});

function sign(claims: object, header: object = { alg: "RS256", typ: "JWT" }): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(keys.privateKey, "base64url")}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
