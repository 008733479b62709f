/** Writes the steps of a build into its log, as they come, and keeps them in its record. */
import type { BuildStep, StepEvent } from '../../core/build-step.ts';
import type { BuildLog } from './build-log.ts';
import { StepPrinter } from './step-printer.ts';
import { stepTable } from './step-text.ts';

export interface StepLog {
  /** Takes what a builder says; resolves when it may say more. */
  take(event: StepEvent): Promise<void>;
  /** Ends the steps with a table of them; then they are in the record. */
  close(): Promise<void>;
}

export interface StepLogOptions {
  log: Pick<BuildLog, 'write' | 'room' | 'masked' | 'masker'>;
  /** Puts the steps into the record. */
  save: (steps: BuildStep[]) => Promise<unknown>;
  /** Adds to steps that were run anew what had changed. */
  why?: (steps: BuildStep[]) => Promise<BuildStep[]>;
}

/** Milliseconds between two changes of the record. */
const saveEvery = 1_000;

/** Steps that a record and the table hold; the log holds all. */
const mostSteps = 500;

export function createStepLog({ log, save, why }: StepLogOptions): StepLog {
  const printer = new StepPrinter(log, Date.now());
  const keeper = createKeeper(save, () => printer.steps.slice(0, mostSteps));

  return {
    async take(event) {
      // The record has the titles as well, which hold the commands.
      const isStart = event.type === 'started';
      printer.take(isStart ? { ...event, title: log.masked(event.title) } : event);
      if (event.type === 'started' || event.type === 'ended') keeper.soon();
      await log.room();
    },
    async close() {
      const steps = printer.steps.slice(0, mostSteps);
      // Without the reasons the steps are worth telling as well.
      const told = (await why?.(steps).catch(() => undefined)) ?? steps;
      await keeper.last(told);
      if (told.length > 0) printer.line(`\n${stepTable(told)}`);
    },
  };
}

/** Saves at most once in a while; where the record cannot be changed, the log tells the same. */
function createKeeper(save: StepLogOptions['save'], current: () => BuildStep[]) {
  let timer: NodeJS.Timeout | undefined;
  let saving: Promise<unknown> = Promise.resolve();
  const saveNow = (steps: BuildStep[]) => {
    saving = saving.then(() => save(steps)).catch(() => undefined);
    return saving;
  };
  return {
    soon() {
      timer ??= setTimeout(async () => {
        await saveNow(current());
        timer = undefined;
      }, saveEvery).unref();
    },
    async last(steps: BuildStep[]) {
      clearTimeout(timer);
      await saveNow(steps);
    },
  };
}
