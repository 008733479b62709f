/** A project's hooks: what they ask for, the headers of a delivery, and the log of what was sent. */
import { createHmac, randomUUID } from 'node:crypto';
import type { Instance } from './hook-body.ts';
import { atLeast } from './version.ts';

/** The switches of a hook, in the order GitLab answers them. */
export const HOOK_EVENTS = [
  'push_events',
  'tag_push_events',
  'merge_requests_events',
  'repository_update_events',
  'issues_events',
  'confidential_issues_events',
  'note_events',
  'confidential_note_events',
  'pipeline_events',
  'wiki_page_events',
  'deployment_events',
  'feature_flag_events',
  'job_events',
  'releases_events',
  'milestone_events',
  'emoji_events',
  'resource_access_token_events',
] as const;

export type HookEvent = (typeof HOOK_EVENTS)[number];

export interface Hook {
  id: number;
  projectId: number;
  url: string;
  name: string | null;
  description: string | null;
  createdAt: string;
  events: Record<HookEvent, boolean>;
  token: string | null;
  /** `whsec_` and 32 bytes in base64, as Standard Webhooks has it. */
  signingToken: string | null;
  branchFilter: { strategy: 'wildcard' | 'regex' | 'all_branches'; pattern: string };
  customHeaders: { key: string; value: string }[];
  sslVerification: boolean;
  /** Deliveries that failed since the last that did not. */
  failures: number;
  /** Milliseconds since 1970 until which nothing is sent; Infinity is until a test succeeds. */
  disabledUntil: number;
}

/** One delivery as it went over the wire; `status` is `internal error` where no answer came. */
export interface HookLog {
  id: number;
  hookId: number;
  url: string;
  /** Such as `push_hooks`. */
  trigger: string;
  requestHeaders: Record<string, string>;
  requestBody: string;
  responseHeaders: Record<string, string>;
  responseBody: string;
  status: string;
  /** Why no answer came, else null. */
  error: string | null;
  durationMs: number;
  createdAt: string;
}

/** What is to be sent to one hook. */
export interface Delivery {
  hook: Hook;
  /** Such as `push_hooks`. */
  trigger: string;
  body: string;
  eventUuid: string;
  idempotencyKey: string;
}

/** `push_hooks` becomes `Push Hook`, as GitLab writes it in X-Gitlab-Event. */
export function eventHeader(trigger: string): string {
  const words = trigger.replace(/s$/, '').split('_');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' ');
}

/** The headers of one request; those that came with a later release are left out. */
export function deliveryHeaders(
  instance: Instance,
  delivery: Delivery,
  now: number,
): Record<string, string> {
  const { hook, idempotencyKey } = delivery;
  const since = (major: number, minor: number) => atLeast(instance.version, major, minor);
  return {
    ...Object.fromEntries(hook.customHeaders.map(({ key, value }) => [key, value])),
    'Content-Type': 'application/json',
    'User-Agent': `GitLab/${instance.version}`,
    ...(since(17, 4) ? { 'Idempotency-Key': idempotencyKey } : {}),
    'X-Gitlab-Event': eventHeader(delivery.trigger),
    ...(since(16, 2) ? { 'X-Gitlab-Webhook-UUID': randomUUID() } : {}),
    'X-Gitlab-Instance': instance.url,
    ...(hook.token === null ? {} : { 'X-Gitlab-Token': hook.token.replaceAll(/[\r\n]/g, '') }),
    'X-Gitlab-Event-UUID': delivery.eventUuid,
    ...(since(19, 0) ? standardWebhookHeaders(delivery, now) : {}),
  };
}

/** Id, time and signature over `id.timestamp.body` (https://www.standardwebhooks.com). */
function standardWebhookHeaders(delivery: Delivery, now: number): Record<string, string> {
  const id = delivery.idempotencyKey;
  const timestamp = String(Math.floor(now / 1000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (delivery.hook.signingToken === null) return headers;
  const key = Buffer.from(delivery.hook.signingToken.replace(/^whsec_/, ''), 'base64');
  const signed = createHmac('sha256', key).update(`${id}.${timestamp}.${delivery.body}`);
  return { ...headers, 'webhook-signature': `v1,${signed.digest('base64')}` };
}

/** Whether the hook wants pushes to this branch. */
export function wantsBranch(hook: Hook, branch: string): boolean {
  const { strategy, pattern } = hook.branchFilter;
  if (strategy === 'all_branches' || pattern === '') return true;
  if (strategy === 'regex') return new RegExp(pattern).test(branch);
  const escaped = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`).test(branch);
}
