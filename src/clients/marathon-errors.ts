/** How Marathon's refusals and silences become Ekiden's errors. */
import { errors as http } from 'undici';
import { z } from 'zod';
import {
  ConflictError,
  type EkidenError,
  InputError,
  messageOf,
  NotFoundError,
  RemoteError,
} from '../core/errors.ts';

/** The app is held by running deployments; `force` would cancel them. */
export class AppLockedError extends ConflictError {
  readonly deployments: string[];

  constructor(message: string, deployments: string[]) {
    super(message, { code: 'E_MARATHON_LOCKED', hint: 'Wait for the deployments or use force.' });
    this.deployments = deployments;
  }
}

/** The request got no answer; `sent` tells whether Marathon may have read it all the same. */
export class UnreachableError extends RemoteError {
  readonly sent: boolean;

  constructor(message: string, sent: boolean, cause: unknown) {
    super(message, { code: 'E_MARATHON_UNREACHABLE', hint: 'Check MARATHON_URL.', cause });
    this.sent = sent;
  }
}

const refusedBeforeSending = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH']);

/** What a request that got no answer from `base` failed of. */
export function unreachable(base: string, method: string, error: unknown): RemoteError {
  if (error instanceof Error && error.name === 'TimeoutError') {
    // Asking once more would double the wait, and a late write may still be applied.
    return new RemoteError(`Marathon at ${base} did not answer ${method} in time.`, {
      code: 'E_MARATHON_TIMEOUT',
      cause: error,
    });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const sent = !(error instanceof http.ConnectTimeoutError || refusedBeforeSending.has(code));
  const message = `Marathon at ${base} cannot be reached: ${messageOf(error)}`;
  return new UnreachableError(message, sent, error);
}

const refusalSchema = z.object({
  message: z.string().default('no reason given'),
  deployments: z.array(z.object({ id: z.string() })).optional(),
  details: z
    .union([
      z.string(),
      z.array(z.object({ path: z.string().default('/'), errors: z.array(z.string()) })),
    ])
    .optional(),
});

/** What an answer other than 2xx to `what` (method and path) means. */
export function refusal(status: number, body: unknown, what: string): EkidenError {
  const parsed = refusalSchema.safeParse(body);
  const said = parsed.success ? parsed.data : { message: `status ${status}` };
  if (status === 404) return new NotFoundError(said.message, { code: 'E_MARATHON_NOT_FOUND' });
  if (status === 409) {
    const ids = (said.deployments ?? []).map((deployment) => deployment.id);
    return new AppLockedError(said.message, ids);
  }
  if (status === 400 || status === 422) {
    const message = `Marathon refuses ${what}: ${said.message}${detailsOf(said.details)}`;
    return new InputError(message, { code: 'E_MARATHON_INPUT', status: 422 });
  }
  return new RemoteError(`Marathon answers ${status} to ${what}: ${said.message}`, {
    code: `E_MARATHON_${status}`,
    retryable: status === 429 || status >= 500,
    ...(status === 401 ? { hint: 'Check the user and password in MARATHON_URL.' } : {}),
  });
}

function detailsOf(details: z.output<typeof refusalSchema>['details']): string {
  if (details === undefined) return '';
  if (typeof details === 'string') return ` (${details})`;
  return ` (${details.map(({ path, errors }) => `${path} ${errors.join(', ')}`).join('; ')})`;
}
