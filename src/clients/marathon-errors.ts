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

  constructor(message: string, details: { sent: boolean; hint: string; cause: unknown }) {
    const { sent, hint, cause } = details;
    super(message, { code: 'E_MARATHON_UNREACHABLE', hint, cause });
    this.sent = sent;
  }
}

const refusedBeforeSending = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH']);
const whereSet = 'MARATHON_URL or EKIDEN_DATA_CENTRES';

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
  const message = `Marathon at ${base} cannot be reached: ${messageOf(error) || code}`;
  const isUntrusted = /CERT|SIGNATURE|SELF_SIGNED|ALTNAME/.test(code);
  const hint = isUntrusted ? hintOfCertificate(code) : `Check ${whereSet}.`;
  return new UnreachableError(message, { sent: sent && !isUntrusted, hint, cause: error });
}

function hintOfCertificate(code: string): string {
  if (/EXPIRED|NOT_YET_VALID/.test(code)) {
    return 'Renew the certificate of this Marathon, and compare the clocks.';
  }
  if (/ALTNAME/.test(code)) return `Use in ${whereSet} a name that its certificate holds.`;
  return 'Name the authority of its certificate with MARATHON_CA, or ca in EKIDEN_DATA_CENTRES.';
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

type Refusal = z.output<typeof refusalSchema>;

/** An answer other than 2xx. */
export interface RefusedAnswer {
  status: number;
  /** Undefined for what is no JSON. */
  body: unknown;
  text: string;
  headers: Record<string, string | string[] | undefined>;
}

/** What an answer other than 2xx to `what` (method and path) means. */
export function refusal({ status, body, text, headers }: RefusedAnswer, what: string): EkidenError {
  const parsed = refusalSchema.safeParse(body);
  const said: Refusal = parsed.success ? parsed.data : { message: saidInHtml(text, status) };
  const isOfMarathon = parsed.success && !/^URI not found/.test(said.message);
  if (status === 404 && isOfMarathon) {
    return new NotFoundError(said.message, { code: 'E_MARATHON_NOT_FOUND' });
  }
  if (status === 409) {
    const ids = (said.deployments ?? []).map((deployment) => deployment.id);
    return new AppLockedError(said.message, ids);
  }
  if (status === 400 || status === 422) {
    const message = `Marathon refuses ${what}: ${said.message}${detailsOf(said.details)}`;
    return new InputError(message, { code: 'E_MARATHON_INPUT', status: 422 });
  }
  // The mapper of Marathon 1.6 and later answers 500 where it has no such endpoint.
  if (status === 404 || (status === 500 && /^URI not found/.test(said.message))) {
    return notMarathon(`${what} is answered ${status}, and not by Marathon: ${said.message}`);
  }
  return failure(status, said.message, { what, pause: pauseIn(headers, status) });
}

/** What an answer of 2xx means that is neither empty nor JSON: a login page, or a half of what was said. */
export function garbled(
  { status, text }: Pick<RefusedAnswer, 'status' | 'text'>,
  what: string,
): RemoteError {
  // Damaged JSON may hold the values of variables, so none of it is told.
  if (/^\s*[[{"]/.test(text)) return notMarathon(`The answer to ${what} is cut off or damaged.`);
  const said = saidInHtml(text, status);
  return notMarathon(`${what} is answered ${status}, and not by Marathon: ${said}`);
}

/** What an answer means that no Marathon would give; one behind another address may still be right. */
function notMarathon(message: string): RemoteError {
  const hint = `Check that ${whereSet} names a Marathon, with the path that it has there.`;
  return new RemoteError(message, { code: 'E_MARATHON_ANSWER', hint });
}

function failure(
  status: number,
  message: string,
  { what, pause }: { what: string; pause: number | undefined },
): RemoteError {
  if (status === 403 && /running deployments/i.test(message)) {
    return new RemoteError(`Marathon is busy: ${message}`, {
      ...{ code: 'E_MARATHON_BUSY', status: 503 },
      hint: 'It is tried again; --max_running_deployments of Marathon is the limit.',
    });
  }
  return new RemoteError(`Marathon answers ${status} to ${what}: ${message}`, {
    code: `E_MARATHON_${status}`,
    // Another address may be that of Marathon itself.
    retryable: status === 429 || status >= 500 || isRedirect(status),
    ...(pause === undefined ? {} : { retryAfter: pause }),
    ...hintOf(status),
  });
}

function hintOf(status: number): { hint?: string } {
  if (status === 401) return { hint: `Check the user and password, or the token, in ${whereSet}.` };
  if (isRedirect(status)) {
    return { hint: `Set ${whereSet} to the address at which Marathon itself answers.` };
  }
  return {};
}

const isRedirect = (status: number) => status >= 300 && status < 400;

/** True for what Marathon refused before it did anything, and takes later. */
export function isRefusedUntouched(error: unknown): boolean {
  return error instanceof RemoteError && /_(BUSY|429)$/.test(error.code);
}

/** Nobody waits longer before trying again, whatever is asked; seconds. */
const longestRetryAfter = 600;

/** Retry-After of a 429 or 503, in seconds or as a date (RFC 9110, section 10.2.3). */
function pauseIn(headers: RefusedAnswer['headers'], status: number): number | undefined {
  const text = headers['retry-after'];
  if (typeof text !== 'string' || (status !== 429 && status !== 503)) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return seconds > 0 ? Math.min(Math.ceil(seconds), longestRetryAfter) : undefined;
}

const longestSaid = 300;

/** The words of a page, of Jetty or of a proxy before Marathon. */
function saidInHtml(text: string, status: number): string {
  const page = text.slice(0, 20_000);
  const [, part] =
    /<pre>([\s\S]*?)<\/pre>/i.exec(page) ?? /<title>([\s\S]*?)<\/title>/i.exec(page) ?? [];
  const plain = part ?? (page.includes('<') ? '' : page);
  const words = plain
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return words === '' ? `status ${status}` : words.slice(0, longestSaid);
}

function detailsOf(details: Refusal['details']): string {
  if (details === undefined) return '';
  if (typeof details === 'string') return ` (${details})`;
  return ` (${details.map(({ path, errors }) => `${path} ${errors.join(', ')}`).join('; ')})`;
}
