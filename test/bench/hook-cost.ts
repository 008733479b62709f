/** What a delivery costs Ekiden, side by side with Probot: both verify it and queue it once. */
import { forEkiden, forProbot } from './deliveries.ts';
import { isTaken, type LoadOptions, sendAll } from './load.ts';
import { cpuOf, median } from './measure.ts';
import {
  type Bench,
  openRedis,
  type Row,
  type Served,
  type Stop,
  startProbot,
  startRolesProcess,
  stopAll,
} from './stage.ts';

/** Uncounted rounds: until the compiler has seen enough, the cost falls from round to round. */
const warmUps = 3;
const rounds = 5;
const requests = 3_000;
const connections = 10;

export async function measureHookCost(bench: Bench): Promise<Row[]> {
  const stops: Stop[] = [];
  try {
    const redis = await openRedis(`${bench.data}/cost`);
    stops.push(redis.stop);
    const web = await startRolesProcess({ bench, name: 'web', roles: ['web'], redis: redis.url });
    stops.push(web.stop);
    const probot = await startProbot(bench, redis.url);
    stops.push(probot.stop);
    const costs: { ekiden: number; probot: number }[] = [];
    for (let round = 0; round < warmUps + rounds; round += 1) {
      const series = `cost-${round}`;
      costs.push({
        ekiden: await costOf(web, { url: `${web.url}/hooks/gitlab`, shot: forEkiden(series) }),
        probot: await costOf(probot, { url: `${probot.url}/hooks`, shot: forProbot(series) }),
      });
    }
    return rowsOf(costs.slice(warmUps));
  } finally {
    await stopAll(stops);
  }
}

/** Microseconds of CPU that the server uses for one delivery. */
async function costOf(server: Served, load: Omit<LoadOptions, 'count'>): Promise<number> {
  const before = await cpuOf(server.pid);
  const outcomes = await sendAll({ ...load, count: requests, connections });
  const used = (await cpuOf(server.pid)) - before;
  const taken = outcomes.filter(isTaken).length;
  if (taken < requests) throw new Error(`${load.url} took ${taken} of ${requests} deliveries`);
  return used / requests;
}

function rowsOf(costs: { ekiden: number; probot: number }[]): Row[] {
  const ekiden = median(costs.map((cost) => cost.ekiden));
  const probot = median(costs.map((cost) => cost.probot));
  const ratio = median(costs.map((cost) => cost.ekiden / cost.probot));
  return [
    { what: 'hook: CPU per delivery, Ekiden', measured: `${ekiden.toFixed(0)} µs`, aim: '' },
    { what: 'hook: CPU per delivery, Probot', measured: `${probot.toFixed(0)} µs`, aim: '' },
    { what: 'hook: Ekiden / Probot', measured: ratio.toFixed(2), aim: '≤ 0.80' },
  ];
}
