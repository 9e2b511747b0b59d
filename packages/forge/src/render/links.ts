import type { Sha } from "../git/names.ts";

/** Every URL the forge hands out, made in one place. */
export interface Links {
  /** `http://127.0.0.1:PORT` */
  origin: string;
  /** Octokit's `baseUrl`. */
  api: string;
  /** The repository in the API. */
  repository: string;
  /** The repository for a browser. */
  web: string;
  clone: string;
  pull(number: number): string;
  commit(sha: Sha): string;
  user(login: string): string;
}

export const API_PATH = "/api/v3";

export function createLinks(owner: string, name: string, port: number): Links {
  const origin = `http://127.0.0.1:${port}`;
  const path = `${encodeURIComponent(owner)}/${encodeURIComponent(name)}`;
  const api = `${origin}${API_PATH}`;
  const web = `${origin}/${path}`;
  return {
    origin,
    api,
    repository: `${api}/repos/${path}`,
    web,
    clone: `${web}.git`,
    pull: (number) => `${web}/pull/${number}`,
    commit: (sha) => `${web}/commit/${sha}`,
    user: (login) => `${api}/users/${encodeURIComponent(login)}`,
  };
}

/** A path inside a URL: each part encoded, the slashes kept. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** GitHub's opaque ids: here the kind and what identifies it, in base64. */
export function nodeId(kind: string, id: string | number): string {
  return Buffer.from(`${kind}:${id}`).toString("base64url");
}
