import { z } from "zod";

export const gitSha = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, "expected a full git SHA");
export const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "expected sha256:<64 hex digits>");
