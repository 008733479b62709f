/** Says how a service is, in one word and one sentence; a function of data. */
import type { InstanceCounts, ServiceHealth } from '../core/service.ts';

export interface HealthFacts {
  counts: Pick<InstanceCounts, 'wanted' | 'healthy'>;
  /** Healthy instances of the configuration that the app has now. */
  current: number;
  /** True while Marathon changes the app. */
  isDeploying: boolean;
  /** The most telling fact about instances that are not healthy. */
  why: string;
  /** Who asked for the number of instances, where somebody did. */
  scaledBy?: string;
}

export interface Health {
  health: ServiceHealth;
  reason?: string;
}

/** `reason` is there for everything but healthy. */
export function healthOf(facts: HealthFacts): Health {
  const { counts, current, isDeploying, why, scaledBy } = facts;
  const { wanted, healthy } = counts;
  if (isDeploying) return { health: 'deploying', reason: progressIn(facts) };
  if (wanted === 0) {
    const reason = scaledBy ? `${scaledBy} scaled it to 0 instances` : 'no instance is wanted';
    return { health: 'stopped', reason };
  }
  if (current >= wanted) return { health: 'healthy' };
  if (healthy === 0) return { health: 'down', reason: `no instance is healthy: ${why}` };
  if (healthy > current) return { health: 'degraded', reason: progressIn(facts) };
  return { health: 'degraded', reason: `${healthy} of ${wanted} instances are healthy: ${why}` };
}

function progressIn({ counts, current, why }: HealthFacts): string {
  const { wanted, healthy } = counts;
  if (wanted === 0) return 'its instances are being stopped';
  const others = healthy - current;
  const serving = others > 0 ? `, ${others} of before serve` : '';
  const text = `${current} of ${wanted} new instances are healthy${serving}`;
  return current >= wanted ? text : `${text}: ${why}`;
}
