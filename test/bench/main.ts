/** The bench: measures what Ekiden promises and prints one table; `main.js [PART…]` measures some parts only. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { measureBuildMemory } from './build-memory.ts';
import { measureBuilds, measureLargeBuilds } from './builds.ts';
import { measureCancel } from './cancel.ts';
import { measureEngine, measureInstances } from './engine.ts';
import { measureExpansion } from './expansion.ts';
import { measureHookCost } from './hook-cost.ts';
import { measureHookRate } from './hook-rate.ts';
import { measureIdle } from './idle.ts';
import { measureLog } from './log.ts';
import { measureLoss } from './loss.ts';
import { measurePage } from './page.ts';
import { measureRollback } from './rollback.ts';
import type { Bench, Row } from './stage.ts';
import { measureTraffic, measureUndrained } from './traffic.ts';

const parts: Record<string, (bench: Bench) => Promise<Row[]>> = {
  cost: measureHookCost,
  rate: measureHookRate,
  loss: measureLoss,
  build: measureBuildMemory,
  builds: measureBuilds,
  large: measureLargeBuilds,
  cancel: measureCancel,
  engine: measureEngine,
  instances: measureInstances,
  expansion: measureExpansion,
  log: measureLog,
  idle: measureIdle,
  page: measurePage,
  rollback: measureRollback,
  traffic: measureTraffic,
  undrained: measureUndrained,
};

const asked = process.argv.slice(2);
const names = Object.keys(parts).filter((name) => asked.length === 0 || asked.includes(name));
const unknown = asked.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(
    `There is no ${unknown.join(', ')}; parts are ${Object.keys(parts).join(', ')}.\n`,
  );
  process.exit(2);
}

const env = (name: string, otherwise = '') => process.env[`EKIDEN_BENCH_${name}`] ?? otherwise;
const data = env('DATA', join(tmpdir(), `ekiden-bench-${process.pid}`));
const table = new Table({ head: ['what', 'measured', 'aim'], style: { head: [], border: [] } });

for (const name of names) {
  process.stderr.write(`measuring ${name} …\n`);
  const bench: Bench = {
    data: join(data, name),
    install: `${env('INSTALL')}-${name}`,
    dockerHost: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock',
    images: { busybox: env('BUSYBOX', 'busybox:1.36'), node: env('NODE', 'node:20') },
  };
  // What a run left that was killed would be taken for known deliveries.
  await rm(bench.data, { recursive: true, force: true });
  const rows = await parts[name]?.(bench).catch((error: Error) => [
    { what: name, measured: `failed: ${error.message}`, aim: '' },
  ]);
  for (const { what, measured, aim } of rows ?? []) table.push([what, measured, aim]);
  await rm(bench.data, { recursive: true, force: true });
}
process.stdout.write(`${table.toString()}\n`);
