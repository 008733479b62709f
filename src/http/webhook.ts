/** Takes GitLab's deliveries at POST /hooks/gitlab, straight from node:http. */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { InputError, messageOf } from '../core/errors.ts';
import type { Decision, Delivery } from '../core/hook.ts';
import type { Log } from '../core/log.ts';
import { sendJson, sendProblem } from './answer.ts';

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
  return async (request, response) => {
    try {
      const delivery = nameDelivery(request);
      refuseMethod(request);
      refuseLarge(Number(request.headers['content-length'] ?? 0));
      refuseWrongToken(request, options);
      const body = await readBody(request);
      delivery.receivedAt = Date.now();
      refuseWrongSignature(request, body, options);
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
    const reason = 'Ekiden failed inside; resend the delivery once it is mended';
    return { decision: 'ignored', reason } as const;
  }
}

function nameDelivery({ headers }: IncomingMessage): Delivery {
  const key = headers['idempotency-key'] ?? headers['webhook-id'];
  const given = typeof key === 'string' && key !== '' ? key.slice(0, 200) : undefined;
  return { id: given ?? randomUUID(), idempotent: given !== undefined, receivedAt: Date.now() };
}

function refuseMethod({ method }: IncomingMessage): void {
  if (method === 'POST') return;
  throw new InputError('GitLab delivers hooks by POST.', { code: 'E_METHOD', status: 405 });
}

function refuseLarge(length: number): void {
  if (length <= bodyLimit) return;
  throw new InputError('The body is larger than 25 MiB.', { code: 'E_TOO_LARGE', status: 413 });
}

/** Hashes of both sides are compared, so that neither content nor length shows in the time. */
function refuseWrongToken({ headers }: IncomingMessage, { secret, signingToken }: WebhookOptions) {
  const given = headers['x-gitlab-token'];
  // A hook may have a signing token and no secret; then the signature alone has to be right.
  if (given === undefined && signingToken !== undefined && headers['webhook-signature']) return;
  const [left, right] = [String(given ?? ''), secret].map((text) =>
    createHash('sha256').update(text).digest(),
  );
  if (left && right && given !== undefined && timingSafeEqual(left, right)) return;
  throw unauthorized(
    'X-Gitlab-Token is not the secret of this Ekiden.',
    'Set the secret token of the hook to the value of EKIDEN_HOOK_SECRET.',
  );
}

function refuseWrongSignature(
  { headers }: IncomingMessage,
  body: Buffer,
  { signingToken }: WebhookOptions,
): void {
  if (signingToken === undefined) return;
  try {
    new Webhook(signingToken).verify(body, headers as Record<string, string>);
  } catch (error) {
    throw unauthorized(
      `The signature does not fit: ${messageOf(error)}.`,
      'Set the signing token of the hook to the value of EKIDEN_SIGNING_TOKEN.',
    );
  }
}

function unauthorized(message: string, hint: string): InputError {
  return new InputError(message, { code: 'E_HOOK_SECRET', status: 401, hint });
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    refuseLarge(size);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new InputError('The body is no JSON.', { code: 'E_NO_JSON' });
  }
}

/** How long a client may go on sending what nobody wants, so that it can read the answer. */
const lingerMilliseconds = 2_000;

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return;
  if (!request.complete) {
    response.setHeader('Connection', 'close');
    request.resume();
    const linger = setTimeout(() => request.destroy(), lingerMilliseconds);
    request.once('close', () => clearTimeout(linger));
  }
  sendProblem(response, error);
}
