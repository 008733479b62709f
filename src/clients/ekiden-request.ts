/** Asks Ekiden's API, and says in words what kept it from answering. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { EkidenError, messageOf, RemoteError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';

export interface EkidenConnection {
  /** Such as `http://127.0.0.1:7300`, also with a path. */
  url: string;
  /** A token of GitLab. */
  token: string | undefined;
}

export interface Ask {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  body?: unknown;
  /** Such as `bytes=-500`. */
  range?: string;
  /** Codes of HTTP that are no errors although they are not 2xx. */
  expected?: number[];
}

/** Milliseconds until the answer has begun; a hook is tried out within the request. */
const patience = 60_000;

/** How often a request is sent again that came too soon, and the longest pause, in seconds. */
const tries = 4;
const longestPause = 60;

/** @throws EkidenError for everything that is no answer of 2xx, with the API's own words where it has some. */
export async function askEkiden(
  connection: EkidenConnection,
  path: string,
  ask: Ask = {},
): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await send(connection, path, ask);
    if (response.ok || ask.expected?.includes(response.status)) return response;
    const error = await problemOf(connection, response);
    if (response.status !== 429 || attempt === tries) throw error;
    const wait = Number(response.headers.get('retry-after')) || 1;
    if (wait > longestPause) throw error;
    await delay(wait * 1000);
  }
}

/** A job token of GitLab is known by its beginning, and goes by a header of its own. */
export function headersOf({ token }: EkidenConnection): Record<string, string> {
  if (token === undefined) return {};
  return token.startsWith('glcbt-') ? { 'JOB-TOKEN': token } : { Authorization: `Bearer ${token}` };
}

async function send(connection: EkidenConnection, path: string, ask: Ask): Promise<Response> {
  const { method = 'GET', body, range } = ask;
  const begun = new AbortController();
  const late = setTimeout(
    () => begun.abort(new Error(`no answer within ${patience / 1000} s`)),
    patience,
  );
  try {
    return await fetch(`${connection.url}/api/v1${path}`, {
      method,
      headers: {
        ...headersOf(connection),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(range === undefined ? {} : { Range: range }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // Whoever is redirected to would be given the token as well.
      redirect: 'manual',
      signal: begun.signal,
    });
  } catch (error) {
    throw unreachable(connection, begun.signal.aborted ? begun.signal.reason : error);
  } finally {
    clearTimeout(late);
  }
}

/** Several lines perhaps, without what would move the cursor: it may repeat what an app wrote. */
const words = z.string().transform((text) => text.replace(/[^\P{Cc}\n]+/gu, ' '));

const problemSchema = z.object({
  title: words,
  detail: words.optional(),
  code: z.string(),
});

/** What an answer says that is no success. */
export async function problemOf(
  connection: EkidenConnection,
  response: Pick<Response, 'status' | 'headers' | 'text'>,
): Promise<EkidenError> {
  const { status, headers } = response;
  const location = headers.get('location');
  if (status >= 300 && status < 400 && location) return elsewhere(connection, location);
  const problem = problemSchema.safeParse(parseJson(await response.text().catch(() => '')));
  if (!problem.success) return strange(connection, status);
  const { title, detail, code } = problem.data;
  const hint = status === 401 ? tokenHint : detail;
  return new EkidenError(title, {
    ...{ code, status, mendedBy: 'developer', retryable: status === 429 || status >= 500 },
    ...(hint === undefined ? {} : { hint }),
  });
}

const tokenHint =
  'Set EKIDEN_TOKEN to an access token of GitLab with the scope api (read_api to look only).';

function elsewhere({ url }: EkidenConnection, location: string): RemoteError {
  return new RemoteError(`${url} leads on to ${location}, and the token is not sent there.`, {
    code: 'E_EKIDEN_ADDRESS',
    hint: 'Set EKIDEN_URL to the address at which Ekiden itself answers.',
  });
}

function strange({ url }: EkidenConnection, status: number): RemoteError {
  return new RemoteError(`${url} answers ${status}, and not as Ekiden does.`, {
    code: 'E_EKIDEN_ANSWER',
    hint: 'See that EKIDEN_URL is the address of Ekiden, and that it is up behind its proxy.',
  });
}

const causes: Record<string, string> = {
  ECONNREFUSED: 'the connection is refused',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  UND_ERR_CONNECT_TIMEOUT: 'the connection takes too long',
  ETIMEDOUT: 'the connection takes too long',
};

/** No answer came at all. */
export function unreachable({ url }: EkidenConnection, error: unknown): RemoteError {
  const cause = causeOf(error);
  const code = (cause as { code?: unknown }).code;
  const known = typeof code === 'string' ? causes[code] : undefined;
  const isTrust = typeof code === 'string' && /CERT|SIGNATURE|ISSUER/.test(code);
  return new RemoteError(`Ekiden does not answer at ${url}: ${known ?? messageOf(cause)}.`, {
    code: 'E_EKIDEN_AWAY',
    hint: isTrust
      ? 'Name the certificate of your authority in NODE_EXTRA_CA_CERTS.'
      : 'Set EKIDEN_URL to where it answers; on its own machine, see that `ekiden up` runs.',
    cause: error,
  });
}

/** fetch hides what went wrong, for hosts of several addresses twice. */
function causeOf(error: unknown): object {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  const [first] = cause instanceof AggregateError ? cause.errors : [];
  return first instanceof Error ? first : Object(cause);
}
