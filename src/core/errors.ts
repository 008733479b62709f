/** The few error classes of Ekiden: each says what is wrong, with a code, an HTTP status and who can mend it. */

/** Who can put the matter right: decides the tone of a message and where it is shown. */
export type MendedBy = 'developer' | 'maintainer' | 'administrator' | 'ekiden';

export interface ErrorDetails {
  /** Stable, upper-case word for programs and documentation, such as `E_MANIFEST`. */
  code: string;
  /** What to do about it, as one sentence. */
  hint?: string;
  cause?: unknown;
  /** What programs are told besides, as members of the problem that the API answers. */
  extra?: Record<string, unknown>;
}

/** Base of every error that Ekiden raises on purpose. */
export class EkidenError extends Error {
  readonly code: string;
  readonly status: number;
  readonly mendedBy: MendedBy;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  readonly extra: Record<string, unknown> | undefined;

  constructor(
    message: string,
    details: ErrorDetails & { status: number; mendedBy: MendedBy; retryable?: boolean },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.status = details.status;
    this.mendedBy = details.mendedBy;
    this.retryable = details.retryable ?? false;
    this.hint = details.hint;
    this.extra = details.extra;
  }
}

/** Something that a developer wrote (manifest, Dockerfile, request) cannot be used as it is. */
export class InputError extends EkidenError {
  constructor(message: string, details: ErrorDetails & { status?: number }) {
    super(message, { status: 400, mendedBy: 'developer', ...details });
  }
}

/** The asked-for thing does not exist, or the asker may not know that it does. */
export class NotFoundError extends EkidenError {
  constructor(message: string, details: ErrorDetails) {
    super(message, { status: 404, mendedBy: 'developer', ...details });
  }
}

/** Nobody is signed in (401), or who is may not do this (403). */
export class AccessError extends EkidenError {
  constructor(message: string, details: ErrorDetails & { status: 401 | 403 }) {
    super(message, { mendedBy: 'developer', ...details });
  }
}

/** Asked too often; `retryAfter` seconds later there is room again. */
export class TooManyRequestsError extends EkidenError {
  readonly retryAfter: number;

  constructor(message: string, details: ErrorDetails & { retryAfter: number }) {
    super(message, { status: 429, mendedBy: 'developer', retryable: true, ...details });
    this.retryAfter = details.retryAfter;
  }
}

/** The state of things does not allow the request now. */
export class ConflictError extends EkidenError {
  constructor(message: string, details: ErrorDetails & { retryable?: boolean }) {
    super(message, { status: 409, mendedBy: 'developer', ...details });
  }
}

/** A part that Ekiden relies on (GitLab, Docker, Marathon, Redis, registry, nginx) failed to answer well. */
export class RemoteError extends EkidenError {
  /** Seconds after which it asked to be tried again. */
  readonly retryAfter: number | undefined;

  constructor(
    message: string,
    details: ErrorDetails & { status?: number; retryable?: boolean; retryAfter?: number },
  ) {
    super(message, { status: 502, mendedBy: 'administrator', retryable: true, ...details });
    this.retryAfter = details.retryAfter;
  }
}

/** This host has no room for the work: it goes back to its place in line, for who has. */
export class NoRoomError extends EkidenError {
  constructor(message: string, details: Pick<ErrorDetails, 'hint'>) {
    super(message, { code: 'E_NO_ROOM', status: 503, mendedBy: 'administrator', ...details });
  }
}

/** A setting is missing or wrong, or the machine lacks something. */
export class SetupError extends EkidenError {
  constructor(message: string, details: ErrorDetails) {
    super(message, { status: 500, mendedBy: 'administrator', ...details });
  }
}

/** One line that says what went wrong, of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
