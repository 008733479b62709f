/** Runs the health checks of all running instances and acts on what they find. */
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { messageOf } from '../../core/errors.ts';
import type { App } from '../apps/app-definition.ts';
import { taskIdOf } from '../apps/app-id.ts';
import { type HealthCheck, runsOnNode } from '../apps/check-definition.ts';
import type { Context } from '../context.ts';
import type { Instance } from '../state/cluster.ts';
import { AGENT_ID, type Lifecycle } from '../tasks/lifecycle.ts';
import { type Health, healthOf, observe, type Reply, type Verdict } from './health.ts';
import { probe } from './probe.ts';

interface HealthMonitorOptions extends Context {
  lifecycle: Lifecycle;
  /** The checks have given the instance up. */
  onUnhealthy: (instance: Instance) => void;
}

/** Until its first success an instance is asked more and more slowly, up to once a second. */
const FIRST_PAUSE_MS = 100;
const LONGEST_EARLY_PAUSE_MS = 1000;

/** Marathon waits at most this long before its first check. */
const LONGEST_FIRST_WAIT_MS = 5000;

/** Marathon's `max_concurrent_marathon_health_checks`; its commands are run by the nodes. */
const CONCURRENT_CHECKS = 256;

/** To start a command costs Docker much more than a connection does. */
const CONCURRENT_COMMAND_STARTS = 4;

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
export function createHealthMonitor(options: HealthMonitorOptions): HealthMonitor {
  return new HealthMonitor(options);
}

class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  readonly #watched = new Map<string, AbortController>();
  readonly #checks = pLimit(CONCURRENT_CHECKS);
  readonly #commandStarts = pLimit(CONCURRENT_COMMAND_STARTS);

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
  }

  /** Starts the checks of a running instance. */
  watch(instance: Instance, app: App): void {
    if (!app.healthChecks || this.#watched.has(instance.id)) return;
    const controller = new AbortController();
    this.#watched.set(instance.id, controller);
    const { signal } = controller;
    for (const [index, check] of app.healthChecks.entries()) {
      this.#follow({ instance, app, check, index, signal }).catch((error: unknown) => {
        if (signal.aborted) return;
        const fields = { instance: instance.id, error: messageOf(error) };
        this.#options.log.error(fields, 'a health check broke off');
      });
    }
  }

  unwatch({ id }: Instance): void {
    this.#watched.get(id)?.abort();
    this.#watched.delete(id);
  }

  stop(): void {
    for (const controller of this.#watched.values()) controller.abort();
    this.#watched.clear();
  }

  async #follow(watched: Watched): Promise<void> {
    const { instance, check, index, signal } = watched;
    const interval = Math.max(check.intervalSeconds, 1) * 1000;
    let nextRegular = Date.now() + firstWait(check, interval);
    let pause = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const answer = await this.#ask(watched);
      if (signal.aborted) return;
      const now = Date.now();
      const regular = now >= nextRegular;
      if (regular) nextRegular = now + interval;
      const before = instance.health[index];
      const runningSince = Date.parse(instance.startedAt ?? '');
      if (answer !== 'ignored') {
        this.#settle(watched, observe({ check, before, answer, now, runningSince, regular }));
      }
      const untilRegular = Math.max(0, nextRegular - Date.now());
      const known = instance.health[index]?.firstSuccess !== undefined;
      await sleep(known ? untilRegular : Math.min(pause, untilRegular), undefined, { signal });
      pause = Math.min(pause * 2, LONGEST_EARLY_PAUSE_MS, interval);
    }
  }

  #ask({ instance, app, check }: Watched): Promise<Reply> {
    const { docker } = this.#options.dockerHost;
    const ask = () => probe({ docker, app, instance, check, starts: this.#commandStarts });
    return check.protocol === 'COMMAND' ? ask() : this.#checks(ask);
  }

  #settle({ instance, app, check, index }: Watched, verdict: Verdict): void {
    const { cluster, publish, touch } = this.#options;
    const count = app.healthChecks?.length ?? 0;
    const before = instance.health[index];
    const overallBefore = healthOf(count, instance.health);
    instance.health[index] = verdict.health;
    const healthy = healthOf(count, instance.health);
    if (verdict.counted && !runsOnNode(check)) this.#announceFailure(instance, check);
    if ((before?.alive ?? false) !== verdict.health.alive) {
      this.#announceChange(instance, check, verdict);
    }
    if (healthy !== overallBefore) {
      publish('instance_health_changed_event', {
        instanceId: instance.id,
        runSpecId: app.id,
        healthy: healthy ?? null,
        runSpecVersion: instance.version,
      });
      cluster.changed(app.id);
      touch(app.id);
    }
    if (verdict.kill) this.#giveUp(instance, verdict.health);
  }

  #announceFailure({ appId, id }: Instance, healthCheck: HealthCheck): void {
    // Marathon names the instance here, although the field says task.
    this.#options.publish('failed_health_check_event', { appId, taskId: id, healthCheck });
  }

  #announceChange(instance: Instance, check: HealthCheck, { health }: Verdict): void {
    const { lifecycle, publish } = this.#options;
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

  #giveUp(instance: Instance, { lastFailureCause = '' }: Health): void {
    const { publish, host, onUnhealthy } = this.#options;
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
    onUnhealthy(instance);
  }
}

export type { HealthMonitor };

/** Until the first check whose failure may count. */
function firstWait(check: HealthCheck, interval: number): number {
  return runsOnNode(check) ? check.delaySeconds * 1000 : Math.min(interval, LONGEST_FIRST_WAIT_MS);
}
