/** One entry of the `errors` array of GitHub's "Validation Failed" answers. */
export interface FieldError {
  resource: string;
  field?: string;
  code: "missing" | "missing_field" | "invalid" | "already_exists" | "unprocessable" | "custom";
  message?: string;
}

const DOCUMENTATION = "https://docs.github.com/rest";
export const PROTECTED_BRANCHES_DOCUMENTATION =
  "https://docs.github.com/articles/about-protected-branches";

/**
 * A refusal that the client sees, in GitHub's shape. Thrown by operations, turned into a response
 * in exactly one place; anything else that is thrown there is a 500.
 */
export class Problem extends Error {
  readonly status: number;
  readonly errors: FieldError[] | undefined;
  readonly documentationUrl: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    detail: {
      errors?: FieldError[];
      documentationUrl?: string;
      headers?: Record<string, string>;
    } = {},
  ) {
    super(message);
    this.name = "Problem";
    this.status = status;
    this.errors = detail.errors;
    this.documentationUrl = detail.documentationUrl ?? DOCUMENTATION;
    this.headers = detail.headers ?? {};
  }

  toBody(): Record<string, unknown> {
    return {
      message: this.message,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
      documentation_url: this.documentationUrl,
      status: String(this.status),
    };
  }
}

export function validationFailed(...errors: FieldError[]): Problem {
  return new Problem(422, "Validation Failed", { errors });
}

export function notFound(what = "Not Found"): Problem {
  return new Problem(404, what);
}
