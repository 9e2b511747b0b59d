import type { Schemas } from "../api/client.ts";

/** What stands in the fields of the form, as it was typed. */
export interface GoalFields {
  readonly text: string;
  readonly priority: string;
  readonly attempts: string;
  readonly dollars: string;
}

export const noFields: GoalFields = { text: "", priority: "", attempts: "", dollars: "" };

export type GoalProblems = { readonly [field in keyof GoalFields]?: string };

type GoalBody = Pick<Schemas["Goal"], "text" | "priority"> & {
  readonly maxAttempts?: number;
  readonly maxMicroUsd?: number;
};

/** What is sent for the fields, or what is wrong with each. The kernel reads it again. Pure. */
export function goalRequest(
  fields: GoalFields,
): { readonly body: GoalBody } | { readonly problems: GoalProblems } {
  const text = fields.text.trim();
  const priority = fields.priority.trim();
  const attempts = fields.attempts.trim();
  const dollars = fields.dollars.trim();
  const problems: GoalProblems = {
    ...(text === "" ? { text: "Say what is to be done." } : {}),
    ...(/^(-?\d{1,6})?$/.test(priority) ? {} : { priority: "A whole number, such as 10." }),
    ...(/^([1-9]\d{0,5})?$/.test(attempts) ? {} : { attempts: "A whole number from 1." }),
    ...(dollars === "" || (/^\d{1,6}(\.\d{1,6})?$/.test(dollars) && Number(dollars) > 0)
      ? {}
      : { dollars: "Dollars, such as 2.50." }),
  };
  if (Object.keys(problems).length > 0) return { problems };
  return {
    body: {
      text,
      priority: Number(priority),
      ...(attempts === "" ? {} : { maxAttempts: Number(attempts) }),
      ...(dollars === "" ? {} : { maxMicroUsd: Math.round(Number(dollars) * 1e6) }),
    },
  };
}
