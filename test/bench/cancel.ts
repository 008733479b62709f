/** How long a cancelled build still runs: from the request until no process of it is left. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { poll } from '../demo/poll.ts';
import { median } from './measure.ts';
import { createRepository } from './repositories.ts';
import type { Bench, Row } from './stage.ts';
import { openWorkshop, pushHook, type Workshop } from './workshop.ts';

const rounds = 5;

export async function measureCancel(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const builder of ['buildkit', 'classic']) {
    const part = { ...bench, data: join(bench.data, builder) };
    const workshop = await openWorkshop(part, { EKIDEN_BUILDER: builder });
    try {
      rows.push(await measure(part, workshop, builder));
    } finally {
      await workshop.stop();
    }
  }
  return rows;
}

async function measure(bench: Bench, workshop: Workshop, builder: string): Promise<Row> {
  const { gitlab, web } = workshop;
  const { id: project, httpUrl } = await gitlab.createProject({ path: 'bench/cancelled' });
  const seconds = `${31_536_000 + (process.pid % 1_000)}`;
  const repository = await createRepository({
    ...{ folder: join(bench.data, 'cancelled'), remote: httpUrl },
    ...{ files: 10, bytesPerFile: 1_000, folders: 1 },
    dockerfile: `FROM ${bench.images.busybox}\nLABEL ekiden.install=${bench.install}\nCOPY . /app\nRUN sleep ${seconds}\n`,
  });
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await pushHook(web.url, project, await repository.commit(`round ${round}`));
    await awaitProcess(seconds, true);
    const started = performance.now();
    await cancelNewest(workshop, project);
    await awaitProcess(seconds, false);
    times.push(performance.now() - started);
  }
  return {
    what: `cancel → nothing of the build runs (${builder})`,
    measured: `${median(times).toFixed(0)} ms`,
    aim: '≤ 1,000 ms',
  };
}

async function cancelNewest({ gitlab, web }: Workshop, project: number): Promise<void> {
  const builds = `${web.url}/api/v1/projects/${project}/builds`;
  const headers = { Authorization: `Bearer ${gitlab.token}` };
  const answer = await fetch(`${builds}?limit=1`, { headers });
  const { items } = (await answer.json()) as { items: { id: string }[] };
  await fetch(`${builds}/${items[0]?.id}/cancel`, { method: 'POST', headers });
}

async function awaitProcess(seconds: string, isThere: boolean): Promise<void> {
  await poll(async () => ((await isSleeping(seconds)) === isThere ? true : undefined), {
    ...{ within: 60_000, every: 5, what: `sleep ${seconds} to ${isThere ? 'run' : 'end'}` },
  });
}

/** Processes of containers are seen from the host, whichever builder started them. */
async function isSleeping(seconds: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.some((line) => line === `sleep\0${seconds}\0`);
}
