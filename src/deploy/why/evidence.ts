/** Gathers what a failed instance leaves behind before it is gone, once for each instance. */
import { setTimeout as delay } from 'node:timers/promises';
import type { MarathonApp } from '../../clients/marathon.ts';
import { endingOf, sentenceOfExit, signalOf } from '../../core/ending.ts';
import { messageOf } from '../../core/errors.ts';
import type { CheckAnswer, Evidence, EvidenceStore } from '../../core/evidence.ts';
import type { Log } from '../../core/log.ts';
import type { LogFiles } from '../../core/log-file.ts';
import type { InstanceFacts, Witness } from '../../core/node.ts';
import type { ReleaseStore } from '../../core/release.ts';
import type { Metrics } from '../../core/sample.ts';
import { mask, secretValuesOf } from '../../core/secret.ts';
import { serviceAppOf } from '../../core/traffic.ts';
import { configVersion, nameOf } from '../services/apps.ts';
import { type ReadTails, readTails, type Tails } from './log-tails.ts';

export interface EvidenceOptions {
  witness: Witness;
  logFiles: Pick<LogFiles, 'list' | 'open'>;
  metrics: Metrics;
  releases: Pick<ReleaseStore, 'find'>;
  evidence: EvidenceStore;
  log: Log;
  /** Milliseconds that the node may take to notice that an instance has ended. */
  endPatience?: number;
}

/** An instance that failed, as Marathon tells of it. */
export interface FailedInstance {
  dataCentre: string;
  app: MarathonApp;
  instance: string;
  host?: string | undefined;
  /** Marathon's version of the definition that it had. */
  version?: string | undefined;
  /** Marathon's word, such as TASK_FAILED; TASK_RUNNING for one that never became healthy. */
  state: string;
  message: string;
  /** What is wrong, where more is known than the message. */
  reason?: string | undefined;
  checks: CheckAnswer[];
  /** Milliseconds since the epoch. */
  at: number;
}

export interface EvidenceCollector {
  /** Resolves once it is kept; what could not be had is left out. Never rejects. */
  collect(failed: FailedInstance): Promise<void>;
}

const defaultEndPatience = 3_000;

export function createEvidenceCollector(options: EvidenceOptions): EvidenceCollector {
  const { log } = options;
  const under = new Map<string, Promise<void>>();

  async function gather(failed: FailedInstance): Promise<void> {
    try {
      await collect(options, failed);
    } catch (error) {
      const fields = { instance: failed.instance, error: messageOf(error) };
      log.warn(fields, 'the evidence of an instance could not be kept');
    } finally {
      under.delete(failed.instance);
    }
  }

  return {
    collect(failed) {
      const work = under.get(failed.instance) ?? gather(failed);
      under.set(failed.instance, work);
      return work;
    },
  };
}

async function collect(options: EvidenceOptions, failed: FailedInstance): Promise<void> {
  const { releases, evidence, metrics } = options;
  const { app, instance } = failed;
  const name = nameOf(app);
  const label = releaseOf(failed);
  const service = serviceAppOf(app.id);
  if (!name || (label && (await evidence.isKnown(service, label, instance)))) return;
  const facts = await factsOf(options, failed);
  const release = facts?.release ?? label;
  if (release === undefined || (await evidence.isKnown(service, release, instance))) return;
  const kept = await releases.find(service, release);
  const hide = hiding(kept ? secretValuesOf(kept) : []);
  const [{ tails, others }, usage] = await Promise.all([
    // Without its release nobody knows what is secret in them.
    kept ? tailsOf({ ...options, instance, hide, isOver: isOver(failed) }) : none,
    metrics.ofApp(app.id).catch(() => []),
  ]);
  const used = usage.find((each) => each.instance === instance);
  const found: Evidence = {
    ...{ ...name, instance, app: service, release, ...placeOf(failed) },
    ...tell(failed, facts, hide),
    ...(facts?.listening ? { listening: facts.listening.map(({ port }) => port) } : {}),
    logs: tails,
    ...(others > 0 ? { otherLogs: others } : {}),
    ...(used ? { usage: { limits: used.limits, series: used.series } } : {}),
  };
  await evidence.save(found);
}

const none: ReadTails = { tails: [], others: 0 };

/** A node that is busy may answer late; asked once more, and then done without. */
function tailsOf(wanted: Tails): Promise<ReadTails> {
  return readTails(wanted).catch(() => readTails(wanted).catch(() => none));
}

/** A secret of several lines is hidden line by line as well, since what is read may begin within it. */
function hiding(secrets: string[]): (text: string) => string {
  const values = secrets.flatMap((value) => [value, ...value.split(/\r?\n/)]);
  return (text) => mask(text, values);
}

/** False for one that runs and never became healthy. */
function isOver({ state }: Pick<FailedInstance, 'state'>): boolean {
  return state !== 'TASK_RUNNING';
}

function placeOf({ dataCentre, host, at, state }: FailedInstance) {
  return { dataCentre, ...(host === undefined ? {} : { host }), at, state };
}

/** What its container was given tells most; else what the app has now, if the instance is of that. */
function releaseOf({ app, version }: FailedInstance): number | undefined {
  const number = Number(app.labels['ekiden.release']);
  const isCurrent = version === undefined || version >= configVersion(app);
  return isCurrent && Number.isInteger(number) ? number : undefined;
}

/** Waits until the node has seen the end as well: by then all output is written. */
async function factsOf(
  { witness, endPatience = defaultEndPatience }: EvidenceOptions,
  { instance, state }: FailedInstance,
): Promise<InstanceFacts | undefined> {
  const ask = () => witness.factsOf(instance).catch(() => undefined);
  const giveUp = Date.now() + endPatience;
  let facts = await ask();
  while (facts?.isAlive && isOver({ state }) && Date.now() < giveUp) {
    await delay(100);
    facts = (await ask()) ?? facts;
  }
  return facts;
}

/** What happened, by what Marathon and the node say of it. */
function tell(
  failed: FailedInstance,
  facts: InstanceFacts | undefined,
  hide: (text: string) => string,
) {
  const said = endingOf(failed);
  const code = facts?.exit?.code ?? said.code;
  const signal = said.signal ?? (code === undefined ? undefined : signalOf(code));
  const outOfMemory = said.outOfMemory || (facts?.exit?.outOfMemory ?? false);
  const exit = {
    ...(code === undefined ? {} : { code }),
    ...(signal ? { signal } : {}),
    outOfMemory,
  };
  const isKnown = Object.values(exit).some(Boolean) || code === 0;
  // The kernel's word goes before that of a signal, which is how it takes memory back.
  const seen = outOfMemory || failed.message === '' ? sentenceOfExit(exit) : undefined;
  return {
    reason: hide(failed.reason ?? seen ?? said.sentence),
    ...(isOver(failed) && isKnown ? { exit } : {}),
    checks: failed.checks.map(({ cause, ...check }) => ({
      ...check,
      ...(cause === undefined ? {} : { cause: hide(cause) }),
    })),
  };
}
