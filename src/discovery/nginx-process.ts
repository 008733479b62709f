/** Runs the private nginx: starts or adopts it, reloads it, brings it back when it dies. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readRecord } from '../clients/process-records.ts';
import {
  endGroup,
  groupMembers,
  isAlive,
  type ProcessIdentity,
  type ProcessInfo,
  signal,
} from '../clients/processes.ts';
import { RemoteError } from '../core/errors.ts';
import { writeAtomically } from './files.ts';
import { createKeeper } from './keeper.ts';
import { poll } from './nginx-control.ts';
import { boundLogs } from './nginx-logs.ts';
import { ensureFree, isNginx, type NginxProcessOptions, spawnNginx } from './nginx-start.ts';

// 10,000 upstreams take nginx 8 s to read.
const reloadMs = 60_000;

export interface NginxProcess {
  /** True when a running nginx of this install was taken over, false when one was started. */
  adopt(): Promise<boolean>;
  /** Throws a SetupError when the address is taken. */
  launch(): Promise<void>;
  /** Starts looking after the process. */
  watch(): void;
  reload(): Promise<void>;
  /** Stops looking after the process, which goes on. */
  release(): Promise<void>;
  stop(): Promise<void>;
}

export function createNginxProcess(options: NginxProcessOptions): NginxProcess {
  const { prefix, record, control, token, log } = options;
  let master: ProcessIdentity | undefined;
  const answers = async () => ((await control.health())?.token === token ? true : undefined);

  async function adopt(): Promise<boolean> {
    const recorded = await readRecord(record);
    if (recorded === undefined) return false;
    master = recorded;
    if ((await isAlive(recorded)) && (await poll(answers, { limitMs: 2_000 }))) return true;
    await endGroup(recorded.pid, isNginx);
    return false;
  }

  async function launch(): Promise<void> {
    // Workers outlive a killed master and would keep the address.
    if (master !== undefined) await endGroup(master.pid, isNginx);
    await rm(options.socketPath, { force: true });
    await ensureFree(options.listen);
    master = await spawnNginx(options, answers);
    await writeAtomically(record, JSON.stringify(master));
  }

  const keeper = createKeeper({
    isUp: async () => master !== undefined && (await isAlive(master)),
    launch,
    tidy: () => boundLogs(join(prefix, 'logs')),
    log,
  });
  return {
    adopt,
    launch,
    reload: async () => {
      if (master !== undefined) await reloadMaster(master.pid, prefix, answers);
    },
    watch: keeper.watch,
    release: keeper.end,
    stop: async () => {
      await keeper.end();
      if (master !== undefined) await endGroup(master.pid, isNginx);
      await rm(record, { force: true });
      await rm(options.socketPath, { force: true });
    },
  };
}

/** Has the master read its files anew and waits until no old worker takes requests. */
async function reloadMaster(
  master: number,
  prefix: string,
  answers: () => Promise<true | undefined>,
): Promise<void> {
  const before = new Set((await acceptingWorkers(master)).map(({ pid }) => pid));
  signal(master, 'SIGHUP');
  const renewed = async () => {
    const now = await acceptingWorkers(master);
    const isNew = now.length > 0 && now.every(({ pid }) => !before.has(pid));
    return isNew ? answers() : undefined;
  };
  if (await poll(renewed, { limitMs: reloadMs })) return;
  throw new RemoteError('nginx did not take over its new configuration.', {
    code: 'E_NGINX_RELOAD',
    hint: `Look at ${join(prefix, 'logs/error.log')}.`,
  });
}

async function acceptingWorkers(master: number): Promise<ProcessInfo[]> {
  const members = await groupMembers(master);
  return members.filter(
    ({ pid, title }) => pid !== master && title.includes('worker') && !title.includes('shutting'),
  );
}
