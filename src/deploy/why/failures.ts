/** Follows what fails in all data centres at any time, and has the evidence kept. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DataCentre, DataCentres } from '../../clients/data-centres.ts';
import type { MarathonApp, MarathonEvent } from '../../clients/marathon.ts';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { CheckMemory } from './check-memory.ts';
import type { EvidenceCollector, FailedInstance } from './evidence.ts';

export interface FailuresOptions {
  dataCentres: Pick<DataCentres, 'list'>;
  install: string;
  collector: EvidenceCollector;
  checks: CheckMemory;
  log: Log;
  /** Milliseconds between two comparisons with what each app says of its last failure. */
  sweepEvery?: number;
}

/** Resolves when `signal` aborts. */
export type FollowFailures = (signal: AbortSignal) => Promise<void>;

const usualSweep = 60_000;
/** Milliseconds; many instances of an app answer their checks at once. */
const notePause = 500;

const types = [
  'status_update_event',
  'failed_health_check_event',
  'unhealthy_instance_kill_event',
  'unhealthy_task_kill_event',
];

/** Ends that nobody asked for; a service that ends by itself is not what was wanted either. */
const failed = new Set([
  ...['TASK_FAILED', 'TASK_FINISHED', 'TASK_ERROR', 'TASK_LOST', 'TASK_DROPPED'],
  ...['TASK_GONE', 'TASK_GONE_BY_OPERATOR'],
]);

export function createFailures(options: FailuresOptions): FollowFailures {
  const { dataCentres } = options;
  return async (signal) => {
    await Promise.all(dataCentres.list().map((each) => followOne(options, each, signal)));
  };
}

async function followOne(options: FailuresOptions, dataCentre: DataCentre, signal: AbortSignal) {
  const { log, sweepEvery = usualSweep } = options;
  const { marathon, name } = dataCentre;
  const noted = new Map<string, Promise<void>>();
  const inBackground = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      const fields = { dataCentre: name, error: messageOf(error) };
      if (!signal.aborted) log.debug(fields, 'cannot look at what failed');
    });
  const sweepNow = () => void inBackground(sweep(options, dataCentre));
  const timer = setInterval(sweepNow, sweepEvery);
  const onEvent = (event: MarathonEvent) => {
    const app = event.appId;
    if (app === undefined) return;
    if (event.eventType !== 'failed_health_check_event') {
      return void inBackground(keep(options, dataCentre, event));
    }
    if (noted.has(app)) return;
    const noting = inBackground(note(options, dataCentre, app)).finally(() => noted.delete(app));
    noted.set(app, noting);
  };
  try {
    await marathon.follow({ types, onEvent, onConnect: sweepNow, signal });
  } finally {
    clearInterval(timer);
  }
}

async function note({ checks }: FailuresOptions, { marathon }: DataCentre, id: string) {
  await delay(notePause);
  const app = await marathon.app(id);
  if (app) checks.note(app);
}

async function keep(options: FailuresOptions, dataCentre: DataCentre, event: MarathonEvent) {
  const { appId, taskId, instanceId, taskStatus = '', eventType } = event;
  const isKill = eventType.startsWith('unhealthy_');
  const instance = taskId ?? instanceId;
  if (instance === undefined || appId === undefined) return;
  if (!isKill && !failed.has(taskStatus)) return;
  const app = await dataCentre.marathon.app(appId);
  if (app?.labels['ekiden.install'] !== options.install) return;
  if (isKill) options.checks.note(app);
  const reason = event.reason ?? event.message ?? '';
  await options.collector.collect({
    ...{ dataCentre: dataCentre.name, app, instance, host: event.host, version: event.version },
    state: isKill ? 'TASK_KILLED' : taskStatus,
    message: isKill
      ? `Task was killed since health check failed. Reason: ${reason}`
      : (event.message ?? ''),
    checks: options.checks.of(instance),
    at: Date.parse(event.timestamp ?? '') || Date.now(),
  });
}

/** What ended while nobody listened is known by what Marathon says of each app's last failure. */
async function sweep(options: FailuresOptions, { marathon, name }: DataCentre): Promise<void> {
  const { install, collector, checks } = options;
  const apps = await marathon.apps({ label: `ekiden.install==${install}`, failures: true });
  for (const app of apps) {
    const found = lastFailureOf(app, name);
    if (found) await collector.collect({ ...found, checks: checks.of(found.instance) });
  }
}

function lastFailureOf(
  app: MarathonApp,
  dataCentre: string,
): Omit<FailedInstance, 'checks'> | undefined {
  const failure = app.lastTaskFailure;
  if (!failure) return undefined;
  const { taskId: instance, host, version, state, message, timestamp } = failure;
  const at = Date.parse(timestamp ?? '') || Date.now();
  return { ...{ dataCentre, app, instance, host, version, state, message }, at };
}
