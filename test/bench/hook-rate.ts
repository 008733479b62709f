/** How soon deliveries are answered that come at a steady rate. */
import { forEkiden } from './deliveries.ts';
import { isTaken, sendSteadily } from './load.ts';
import { quantile } from './measure.ts';
import { type Bench, openRedis, type Row, type Stop, startRolesProcess, stopAll } from './stage.ts';

const perSecond = 200;
const seconds = 30;

export async function measureHookRate(bench: Bench): Promise<Row[]> {
  const stops: Stop[] = [];
  try {
    const redis = await openRedis(`${bench.data}/rate`);
    stops.push(redis.stop);
    const web = await startRolesProcess({ bench, name: 'web', roles: ['web'], redis: redis.url });
    stops.push(web.stop);
    const url = `${web.url}/hooks/gitlab`;
    await sendSteadily({ url, shot: forEkiden('warm-up'), perSecond, count: 2 * perSecond });
    const count = perSecond * seconds;
    const outcomes = await sendSteadily({ url, shot: forEkiden('rate'), perSecond, count });
    const times = outcomes.map(({ milliseconds }) => milliseconds);
    const answered = outcomes.filter(isTaken).length;
    const what = `hook: ${perSecond} a second for ${seconds} s`;
    return [
      { what: `${what}, answered 2xx`, measured: `${answered} of ${count}`, aim: 'all' },
      { what: `${what}, p50`, measured: `${quantile(times, 0.5).toFixed(1)} ms`, aim: '' },
      { what: `${what}, p99`, measured: `${quantile(times, 0.99).toFixed(1)} ms`, aim: '≤ 50 ms' },
    ];
  } finally {
    await stopAll(stops);
  }
}
