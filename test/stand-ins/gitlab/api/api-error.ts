/** Errors of the REST API, with GitLab's own bodies. */

/** Ends a request with a status and a body: JSON, or plain text where it is a string. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string>;

  constructor(status: number, body: unknown, headers: Record<string, string> = {}) {
    super(JSON.stringify(body));
    this.name = 'ApiError';
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** `404 Branch Not Found`, and so on. */
export function notFound(what?: string): ApiError {
  const words = ['404', what, 'Not Found'].filter((word) => word !== undefined);
  return new ApiError(404, { message: words.join(' ') });
}

export function forbidden(): ApiError {
  return new ApiError(403, { message: '403 Forbidden' });
}

/** A validation of a record failed: `{"message":{"name":["has already been taken"]}}`. */
export function invalid(field: string, problem: string, status = 400): ApiError {
  return new ApiError(status, { message: { [field]: [problem] } });
}
