/** What people switch for an environment: a freeze, and whether pushes are deployed by themselves. */
import {
  type EnvironmentSettings,
  type EnvironmentSettingsStore,
  type Freeze,
  holdOf,
  isFrozen,
} from '../../core/environment.ts';
import { ConflictError, InputError } from '../../core/errors.ts';
import type { HandOn } from '../../core/event.ts';
import type { Log } from '../../core/log.ts';
import { explainHeld, type HeldOptions, releaseHeld } from '../held.ts';

export interface SwitchesOptions extends HeldOptions {
  environmentSettings: EnvironmentSettingsStore;
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  handOn: HandOn;
  log: Log;
}

/** An environment of a project, and who asks. */
export interface Switched {
  project: number;
  environment: string;
  by: string;
}

/** Each answers the settings as they are then; a freeze that has ended by itself is left out. */
export interface Switches {
  find(wanted: Omit<Switched, 'by'>): Promise<EnvironmentSettings>;
  /** By environment, of those of the project for which something is set. */
  list(project: number): Promise<Map<string, EnvironmentSettings>>;
  /** `until` in milliseconds since the epoch. @throws InputError when that has passed. */
  freeze(wanted: Switched & Pick<Freeze, 'reason' | 'until'>): Promise<EnvironmentSettings>;
  thaw(wanted: Switched): Promise<EnvironmentSettings>;
  autoDeploy(wanted: Switched & { enabled: boolean }): Promise<EnvironmentSettings>;
}

export function createSwitches(options: SwitchesOptions): Switches {
  const { environmentSettings: store, deployments, exclusively, handOn, log } = options;

  const find = async ({ project, environment }: Omit<Switched, 'by'>) =>
    asOf(await store.find(project, environment), Date.now());

  /** Two people may switch at once, each something else. */
  async function change(
    { project, environment }: Switched,
    to: (now: EnvironmentSettings) => EnvironmentSettings,
  ): Promise<EnvironmentSettings> {
    const settings = await exclusively(`environment:${project}:${environment}`, async () => {
      const changed = to(await find({ project, environment }));
      await store.save(project, environment, changed);
      return changed;
    });
    const where = { project, environment };
    const hold = holdOf(settings, environment, Date.now());
    if (hold !== undefined) await explainHeld(deployments, where, hold);
    else for (const event of await releaseHeld(options, where)) await handOn(event);
    return settings;
  }

  return {
    find,
    async list(project) {
      const all = [...(await store.list(project))];
      return new Map(all.map(([name, settings]) => [name, asOf(settings, Date.now())]));
    },
    async freeze({ reason, until, ...wanted }) {
      const at = Date.now();
      if (until !== undefined && until <= at) throw passed();
      const { by, project, environment } = wanted;
      const freeze = { reason, by, at, ...(until === undefined ? {} : { until }) };
      const settings = await change(wanted, (now) => ({ ...now, freeze }));
      log.info({ project, environment, by, reason }, 'environment frozen: a person asked for it');
      return settings;
    },
    async thaw(wanted) {
      const settings = await change(wanted, ({ autoDeploy }) => ({ autoDeploy }));
      log.info({ ...wanted }, 'freeze ended: a person asked for it');
      return settings;
    },
    async autoDeploy({ enabled, ...wanted }) {
      const settings = await change(wanted, (now) => ({ ...now, autoDeploy: enabled }));
      log.info({ ...wanted, enabled }, 'deploying by itself switched: a person asked for it');
      return settings;
    },
  };
}

function asOf({ autoDeploy, freeze }: EnvironmentSettings, now: number): EnvironmentSettings {
  return isFrozen(freeze, now) ? { autoDeploy, freeze } : { autoDeploy };
}

/** @throws ConflictError for what a person asks for while the environment is frozen, unless they insist. */
export async function refuseFrozen(
  { environmentSettings }: Pick<SwitchesOptions, 'environmentSettings'>,
  wanted: { project: number; environment: string; override?: boolean },
): Promise<void> {
  const { project, environment, override = false } = wanted;
  const { freeze } = await environmentSettings.find(project, environment);
  if (override || !isFrozen(freeze, Date.now())) return;
  throw new ConflictError(`${environment} is frozen by ${freeze.by}: ${freeze.reason}`, {
    code: 'E_FROZEN',
    hint: 'Wait until the freeze ends. All the same: ekiden deploy or ekiden rollback with --override.',
  });
}

function passed(): InputError {
  return new InputError('The time until which to freeze has passed.', {
    code: 'E_INPUT',
    status: 422,
    hint: 'Name a time to come, or none for a freeze that somebody has to end.',
  });
}
