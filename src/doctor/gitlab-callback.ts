/** Checks whether GitLab may call back: by its last deliveries, else by its settings. */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import pLimit from 'p-limit';
import { z } from 'zod';
import { failed, fine, type Outcome, skipped, warned } from './check.ts';
import type { AskGitLab } from './gitlab-client.ts';
import { isAllowed } from './outbound.ts';

export interface CallbackOptions {
  ask: AskGitLab;
  /** Where hooks are to arrive. */
  hookUrl: string;
  /** False where EKIDEN_URL is not set, so that GitLab is told an address of its own machine. */
  isUrlSet: boolean;
  gitlabUrl: string;
}

/** Enough to find a hook of a GitLab that is in use; each costs a question. */
const mostProjects = 20;
const atOnce = 4;

const activeProjects =
  '/projects?membership=true&min_access_level=40&simple=true&archived=false' +
  `&order_by=last_activity_at&per_page=${mostProjects}`;

const projectsSchema = z.array(z.object({ id: z.number(), path_with_namespace: z.string() }));
const hooksSchema = z.array(z.object({ id: z.number(), url: z.string() }));
const eventsSchema = z.array(z.object({ response_status: z.string().nullish() }));
const settingsSchema = z.object({
  allow_local_requests_from_web_hooks_and_services: z.boolean(),
  outbound_local_requests_whitelist: z.array(z.string()).default([]),
});

const where = 'In GitLab, Admin → Settings → Network → Outbound requests';

/** What happened says more than what is allowed. */
export async function findCallback(options: CallbackOptions): Promise<Outcome> {
  const projects = await options.ask(activeProjects);
  if (projects.status === 401) return skipped('GitLab refuses the token');
  const delivery = await lastDelivery(options, projects.body);
  if (delivery) return judgeDelivery(delivery, options.hookUrl);
  const { hostname, port, protocol } = new URL(options.hookUrl);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (!options.isUrlSet && !isLoopback(new URL(options.gitlabUrl).hostname)) {
    const found = `GitLab is told ${options.hookUrl}, which leads to its own machine`;
    return warned(found, 'Set EKIDEN_URL to an address of this machine that GitLab reaches.');
  }
  const unknown = skipped('not known before the first hook', 'ekiden enable <project>');
  const address = await resolve(host);
  if (address === undefined || !isPrivate(address)) return unknown;
  const { body } = await options.ask('/application/settings');
  const settings = settingsSchema.safeParse(body).data;
  if (settings === undefined) {
    const hint = `${where}, hooks to the local network must be allowed; then: ekiden enable <project>`;
    return skipped(
      `${host} is a private address; whether GitLab may call it only its administrators see`,
      hint,
    );
  }
  const target = { host, address, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
  const isListed = isAllowed(settings.outbound_local_requests_whitelist, target);
  if (settings.allow_local_requests_from_web_hooks_and_services || isListed) {
    return fine(`GitLab may send hooks to ${host}, which is a private address`);
  }
  return failed(
    `GitLab may not send hooks to ${host}, which is a private address`,
    `${where}: allow requests to the local network from webhooks and integrations, or put ${host} on the list.`,
  );
}

interface Delivery {
  project: string;
  status: string;
}

/** The last delivery to this Ekiden of any of the projects that were active last. */
async function lastDelivery(
  { ask, hookUrl }: CallbackOptions,
  body: unknown,
): Promise<Delivery | undefined> {
  const projects = projectsSchema.safeParse(body).data ?? [];
  const limit = pLimit(atOnce);
  const found = await Promise.all(
    projects.map(({ id, path_with_namespace: project }) =>
      limit(async () => {
        const status = await lastStatus(ask, id, hookUrl);
        return status === undefined ? undefined : { project, status };
      }),
    ),
  );
  const known = found.filter((delivery) => delivery !== undefined);
  return known.find(({ status }) => !isAnswered(status)) ?? known[0];
}

async function lastStatus(ask: AskGitLab, project: number, url: string) {
  const hooks = hooksSchema.safeParse((await ask(`/projects/${project}/hooks?per_page=100`)).body);
  const hook = hooks.data?.find((each) => each.url === url);
  if (hook === undefined) return undefined;
  const { body } = await ask(`/projects/${project}/hooks/${hook.id}/events?per_page=1`);
  return eventsSchema.safeParse(body).data?.[0]?.response_status ?? undefined;
}

function isAnswered(status: string): boolean {
  return status.startsWith('2');
}

function judgeDelivery({ project, status }: Delivery, hookUrl: string): Outcome {
  if (isAnswered(status)) return fine(`the last hook of ${project} was answered ${status}`);
  return failed(
    `the last hook of ${project} failed: ${status}`,
    status.startsWith('4')
      ? `ekiden enable ${project}, which renews its secret`
      : `See that ${hookUrl} is reached from GitLab. ${where}, its address must be allowed.`,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}

const privateNetworks = new BlockList();
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  privateNetworks.addSubnet(network, bits, 'ipv4');
}
privateNetworks.addSubnet('fc00::', 7, 'ipv6');
privateNetworks.addSubnet('fe80::', 10, 'ipv6');
privateNetworks.addAddress('::1', 'ipv6');

/** Of a name that this machine does not know nothing is assumed. */
async function resolve(host: string): Promise<string | undefined> {
  return isIP(host) ? host : (await lookup(host).catch(() => undefined))?.address;
}

function isPrivate(address: string): boolean {
  return privateNetworks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
