/** Takes GitLab's deliveries at POST /hooks/gitlab, straight from node:http. */
import { isUtf8 } from 'node:buffer';
import { hash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EkidenError, InputError, messageOf } from '../core/errors.ts';
import type { Decision, Delivery } from '../core/hook.ts';
import type { Log } from '../core/log.ts';
import { sendJson, sendProblem, writeProblem } from './answer.ts';
import { type CheckSignature, createSignatureCheck } from './signature.ts';

/** GitLab sends no larger bodies. */
const bodyLimit = 25 * 1024 * 1024;

export interface WebhookOptions {
  secret: string;
  /** `whsec_…`; with it every delivery must be signed (GitLab 19+). */
  signingToken: string | undefined;
  handle: (payload: unknown, delivery: Delivery) => Promise<Decision>;
  log: Log;
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Checks in the order that costs least: size, token, signature, JSON; from then on every answer is
 * 2xx, since GitLab counts anything else as a failure of the hook and never tries again.
 */
export function createWebhook(options: WebhookOptions): RequestHandler {
  const { signingToken } = options;
  const refuseWrongToken = createTokenCheck(options);
  const checkSignature =
    signingToken === undefined ? undefined : createSignatureCheck(signingToken);
  return async (request, response) => {
    try {
      const delivery = nameDelivery(request);
      refuseMethod(request, response);
      refuseLarge(Number(request.headers['content-length'] ?? 0));
      refuseWrongToken(request);
      // Only now is the body wanted; a client that asked first has not sent it yet.
      if (request.headers.expect !== undefined) response.writeContinue();
      const body = await readBody(request);
      delivery.receivedAt = Date.now();
      refuseWrongSignature(request, body, checkSignature);
      const decision = await decide(options, parseJson(body), delivery);
      sendJson(response, decision.decision === 'queued' ? 202 : 200, {
        delivery: delivery.id,
        ...decision,
      });
      options.log.info({ delivery: delivery.id, ...decision }, 'hook');
    } catch (error) {
      options.log.warn({ error: messageOf(error) }, 'hook refused');
      refuse(request, response, error);
    }
  };
}

async function decide({ handle, log }: WebhookOptions, payload: unknown, delivery: Delivery) {
  try {
    return await handle(payload, delivery);
  } catch (error) {
    log.error({ delivery: delivery.id, error: messageOf(error) }, 'a hook failed');
    const known = error instanceof EkidenError ? [error.message, error.hint] : [];
    const inside = 'Ekiden failed inside; resend the delivery once it is mended';
    return { decision: 'ignored', reason: known.join(' ') || inside } as const;
  }
}

function nameDelivery({ headers }: IncomingMessage): Delivery {
  const key = headers['idempotency-key'] ?? headers['webhook-id'];
  const given = typeof key === 'string' && key !== '' ? shortName(key) : undefined;
  return { id: given ?? randomUUID(), idempotent: given !== undefined, receivedAt: Date.now() };
}

/** GitLab's keys are UUIDs; of a long one the hash keeps it apart from others that begin the same. */
function shortName(key: string): string {
  return key.length <= 200 ? key : hash('sha256', key, 'hex');
}

function refuseMethod({ method }: IncomingMessage, response: ServerResponse): void {
  if (method === 'POST') return;
  response.setHeader('Allow', 'POST');
  throw new InputError('GitLab delivers hooks by POST.', {
    code: 'E_METHOD',
    status: 405,
    hint: 'Give GitLab this address as the URL of a webhook.',
  });
}

function refuseLarge(length: number): void {
  if (length > bodyLimit) throw tooLarge();
}

function tooLarge(): InputError {
  return new InputError('The body is larger than 25 MiB.', {
    code: 'E_TOO_LARGE',
    status: 413,
    hint: 'GitLab itself sends no more; see who else sends here.',
  });
}

/** Hashes of both sides are compared, so that neither content nor length shows in the time. */
function createTokenCheck({ secret, signingToken }: WebhookOptions) {
  const wanted = sha256(Buffer.from(secret));
  return ({ headers }: IncomingMessage): void => {
    const given = headers['x-gitlab-token'];
    // A hook may have a signing token and no secret; then the signature alone has to be right.
    if (given === undefined && signingToken !== undefined && headers['webhook-signature']) return;
    // Node reads header bytes as Latin-1, whatever they are.
    const found = sha256(Buffer.from(String(given ?? ''), 'latin1'));
    if (given !== undefined && timingSafeEqual(found, wanted)) return;
    throw unauthorized(
      'X-Gitlab-Token is not the secret of this Ekiden.',
      'Run `ekiden enable` for the project, or set the secret token of the hook to the value of EKIDEN_HOOK_SECRET.',
    );
  };
}

function sha256(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}

function refuseWrongSignature(
  { headers }: IncomingMessage,
  body: Buffer,
  check: CheckSignature | undefined,
): void {
  const problem = check?.(headers, body);
  if (problem === undefined) return;
  throw unauthorized(
    `The signature does not fit: ${problem}.`,
    'Set the signing token of the hook to the value of EKIDEN_SIGNING_TOKEN.',
  );
}

function unauthorized(message: string, hint: string): InputError {
  return new InputError(message, { code: 'E_HOOK_SECRET', status: 401, hint });
}

/** By events, since an iterator costs a promise for each chunk; a body too large is read no further. */
function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > bodyLimit) finish(tooLarge());
    };
    const onEnd = () => finish();
    const onClose = () => finish(new Error('the client hung up'));
    function finish(error?: Error): void {
      request.off('data', onData).off('end', onEnd).off('error', finish).off('close', onClose);
      if (error) reject(error);
      else resolve(Buffer.concat(chunks, size));
    }
    request.on('data', onData).on('end', onEnd).on('error', finish).on('close', onClose);
  });
}

function parseJson(body: Buffer): unknown {
  const noJson = (why: string) =>
    new InputError(`The body is no JSON${why}.`, {
      code: 'E_NO_JSON',
      hint: 'Send what GitLab sends: JSON in UTF-8.',
    });
  if (!isUtf8(body)) throw noJson(': it is not in UTF-8');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw noJson('');
  }
}

/** How long a client may go on sending what nobody wants. */
const lingerMilliseconds = 2_000;

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return;
  if (request.complete) {
    sendProblem(response, error);
    return;
  }
  // Closed while bytes still come in, the connection would be reset and the answer lost with it.
  response.setHeader('Connection', 'close');
  writeProblem(response, error);
  const linger = setTimeout(() => request.destroy(), lingerMilliseconds);
  request.once('close', () => {
    clearTimeout(linger);
    response.end();
  });
  request.resume();
}
