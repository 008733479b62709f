/** Runs the health checks of all running instances and acts on what they find. */
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Docker } from '../clients/docker.ts';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { App } from './app-definition.ts';
import { taskIdOf } from './app-id.ts';
import { type HealthCheck, runsOnNode } from './check-definition.ts';
import type { Cluster, Instance } from './cluster.ts';
import type { Publish } from './event-stream.ts';
import { type Health, healthOf, observe, type Verdict } from './health.ts';
import { AGENT_ID, type Lifecycle } from './lifecycle.ts';
import { probe } from './probe.ts';

interface HealthMonitorOptions {
  docker: Docker;
  cluster: Cluster;
  publish: Publish;
  lifecycle: Lifecycle;
  host: string;
  log: Log;
  /** Whether an instance is up may have changed. */
  onChange: (instance: Instance) => void;
  onUnhealthy: (instance: Instance) => void;
}

export type HealthMonitor = ReturnType<typeof createHealthMonitor>;

/** Until its first success an instance is asked more and more slowly, up to once a second. */
const FIRST_PAUSE_MS = 100;
const LONGEST_EARLY_PAUSE_MS = 1000;

/** Marathon waits at most this long before its first check. */
const LONGEST_FIRST_WAIT_MS = 5000;

/** Marathon's `max_concurrent_marathon_health_checks`; an exec costs much more than a connection. */
const CONCURRENT_CHECKS = 256;
const CONCURRENT_COMMANDS = 4;

interface Watched {
  instance: Instance;
  app: App;
  check: HealthCheck;
  index: number;
  signal: AbortSignal;
}

/**
 * A deliberate deviation that no client can see: a new instance is checked at once and often until
 * it first succeeds, so that it is found well without delay. Only the checks at Marathon's own
 * times count as failures.
 */
export function createHealthMonitor(options: HealthMonitorOptions) {
  const { docker, cluster, publish, lifecycle, host, log } = options;
  const watched = new Map<string, AbortController>();
  const checks = pLimit(CONCURRENT_CHECKS);
  const commands = pLimit(CONCURRENT_COMMANDS);

  async function follow(one: Watched): Promise<void> {
    const { instance, app, check, index, signal } = one;
    const interval = Math.max(check.intervalSeconds, 1) * 1000;
    const firstWait = runsOnNode(check)
      ? check.delaySeconds * 1000
      : Math.min(interval, LONGEST_FIRST_WAIT_MS);
    let nextRegular = Date.now() + firstWait;
    let pause = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const limit = check.protocol === 'COMMAND' ? commands : checks;
      const answer = await limit(() => probe({ docker, app, instance, check }));
      if (signal.aborted) return;
      const now = Date.now();
      const regular = now >= nextRegular;
      if (regular) nextRegular = now + interval;
      const before = instance.health[index];
      const runningSince = Date.parse(instance.startedAt ?? '');
      settle(one, observe({ check, before, answer, now, runningSince, regular }));
      const untilRegular = Math.max(0, nextRegular - Date.now());
      const known = instance.health[index]?.firstSuccess !== undefined;
      await sleep(known ? untilRegular : Math.min(pause, untilRegular), undefined, { signal });
      pause = Math.min(pause * 2, LONGEST_EARLY_PAUSE_MS, interval);
    }
  }

  function settle({ instance, app, check, index }: Watched, verdict: Verdict): void {
    const count = app.healthChecks?.length ?? 0;
    const before = instance.health[index];
    const overallBefore = healthOf(count, instance.health);
    instance.health[index] = verdict.health;
    const overall = healthOf(count, instance.health);
    if (verdict.counted && !runsOnNode(check)) announceFailure(instance, check);
    if ((before?.alive ?? false) !== verdict.health.alive) announceChange(instance, check, verdict);
    if (overall !== overallBefore) {
      publish('instance_health_changed_event', {
        instanceId: instance.id,
        runSpecId: app.id,
        healthy: overall ?? null,
        runSpecVersion: instance.version,
      });
      cluster.changed(app.id);
      options.onChange(instance);
    }
    if (verdict.kill) giveUp(instance, verdict.health);
  }

  function announceFailure(instance: Instance, healthCheck: HealthCheck): void {
    const { appId, id: taskId } = instance;
    publish('failed_health_check_event', { appId, taskId, healthCheck });
  }

  function announceChange(instance: Instance, check: HealthCheck, { health }: Verdict): void {
    if (runsOnNode(check)) {
      lifecycle.announceTask(instance, 'TASK_RUNNING', health.lastFailureCause ?? '');
      return;
    }
    publish('health_status_changed_event', {
      appId: instance.appId,
      instanceId: instance.id,
      version: instance.version,
      alive: health.alive,
    });
  }

  function giveUp(instance: Instance, { lastFailureCause = '' }: Health): void {
    instance.killReason = `Task was killed since health check failed. Reason: ${lastFailureCause}`;
    publish('unhealthy_instance_kill_event', {
      appId: instance.appId,
      taskId: taskIdOf(instance),
      instanceId: instance.id,
      version: instance.version,
      reason: lastFailureCause,
      host,
      slaveId: AGENT_ID,
    });
    options.onUnhealthy(instance);
  }

  return {
    watch: (instance: Instance, app: App): void => {
      if (!app.healthChecks || watched.has(instance.id)) return;
      const controller = new AbortController();
      watched.set(instance.id, controller);
      const { signal } = controller;
      for (const [index, check] of app.healthChecks.entries()) {
        follow({ instance, app, check, index, signal }).catch((error: unknown) => {
          if (signal.aborted) return;
          log.error({ instance: instance.id, error: messageOf(error) }, 'health check broke off');
        });
      }
    },

    unwatch: (instance: Instance): void => {
      watched.get(instance.id)?.abort();
      watched.delete(instance.id);
    },

    stop: (): void => {
      for (const controller of watched.values()) controller.abort();
      watched.clear();
    },
  };
}
