/** Says how a service is, in one word and one sentence; a function of data. */
import type { InstanceCounts, ServiceHealth } from '../../core/service.ts';

export interface HealthFacts {
  counts: Pick<InstanceCounts, 'wanted' | 'healthy'> & Partial<Pick<InstanceCounts, 'stopping'>>;
  /** Healthy instances of the configuration that the app has now. */
  current: number;
  /** True while Marathon changes the app. */
  isDeploying: boolean;
  /** The most telling fact about instances that are not healthy. */
  why: string;
  /** Who asked for the number of instances, where somebody did. */
  scaledBy?: string;
  /** True where that was to suspend it. */
  isSuspended?: boolean;
}

export interface Health {
  health: ServiceHealth;
  reason?: string;
}

/** `reason` is there for everything but healthy. */
export function healthOf(facts: HealthFacts): Health {
  const { counts, current, isDeploying, why } = facts;
  const { wanted, healthy } = counts;
  if (isDeploying) return { health: 'deploying', reason: progressIn(facts) };
  if (wanted === 0) {
    return { health: 'stopped', reason: whyStopped(facts) };
  }
  if (current >= wanted) return { health: 'healthy' };
  if (healthy === 0) return { health: 'down', reason: `no instance is healthy: ${why}` };
  if (healthy > current) return { health: 'degraded', reason: progressIn(facts) };
  return { health: 'degraded', reason: `${healthy} of ${wanted} instances are healthy: ${why}` };
}

function whyStopped({ scaledBy, isSuspended }: HealthFacts): string {
  if (scaledBy === undefined) return 'no instance is wanted';
  return isSuspended ? `${scaledBy} suspended it` : `${scaledBy} scaled it to 0 instances`;
}

function progressIn({ counts, current, why }: HealthFacts): string {
  const { wanted, healthy, stopping = 0 } = counts;
  if (wanted === 0) return 'its instances are being stopped';
  const others = healthy - current;
  const serving = others > 0 ? `, ${others} of before serve` : '';
  const ending = stopping > 0 ? `, ${stopping} of before end` : '';
  const text = `${current} of ${wanted} new instances are healthy${serving}${ending}`;
  return current >= wanted ? text : `${text}: ${why}`;
}
