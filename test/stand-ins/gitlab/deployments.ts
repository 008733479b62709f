/** Environments and deployments as GitLab keeps them. */
import { createHash } from 'node:crypto';

export const TIERS = ['production', 'staging', 'testing', 'development', 'other'] as const;
export const DEPLOYMENT_STATES = ['running', 'success', 'failed', 'canceled'] as const;
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number];

export interface Environment {
  id: number;
  name: string;
  slug: string;
  externalUrl: string | null;
  description: string | null;
  tier: (typeof TIERS)[number];
  state: 'available' | 'stopped';
  createdAt: string;
  updatedAt: string;
}

export interface Deployment {
  id: number;
  iid: number;
  environmentId: number;
  ref: string;
  sha: string;
  tag: boolean;
  status: DeploymentState;
  userId: number;
  createdAt: string;
  updatedAt: string;
}

/** Whether GitLab lets a deployment go on to this state: it starts running once, and may end anew. */
export function mayBecome(from: DeploymentState | 'created', to: DeploymentState): boolean {
  if (to === 'running') return from === 'created';
  return from !== to;
}

/** GitLab's slug of an environment's name: 24 characters at most, a hash where it was shortened. */
export function slugOf(name: string): string {
  let slug = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
  if (!/^[a-z]/.test(slug)) slug = `env-${slug}`;
  slug = slug.replaceAll(/-+/g, '-');
  if (slug.length <= 24 && slug === name) return slug.replace(/-$/, '');
  const digest = BigInt(`0x${createHash('sha256').update(name).digest('hex')}`).toString(36);
  return `${slug.slice(0, 17).replace(/-$/, '')}-${digest.slice(-6)}`;
}

/** The tier that GitLab guesses from a name. */
export function tierOf(name: string): Environment['tier'] {
  if (/(dev|review|trunk)/i.test(name)) return 'development';
  if (/(test|tst|int|ac(ce|)pt|qa|qc|control|quality)/i.test(name)) return 'testing';
  if (/(st(a|)g|mod(e|)l|pre|demo|non)/i.test(name)) return 'staging';
  if (/(pr(o|)d|live)/i.test(name)) return 'production';
  return 'other';
}
