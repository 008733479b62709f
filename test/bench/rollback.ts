/** How long a rollback takes, from the call of the API until nginx answers with the old version. */
import { request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { poll } from '../demo/poll.ts';
import { type Stage, setStage } from '../demo/stage.ts';
import { clearStage } from '../flow/stage.ts';
import { median } from './measure.ts';
import { type Bench, type Row, type Stop, stopAll } from './stage.ts';
import { pushVersion } from './versions.ts';

const runs = 5;
const path = 'bench/rollback';
const host = 'bench-rollback.localhost';

/** Milliseconds between two questions to nginx. */
const askEvery = 5;
const patience = 60_000;

export async function measureRollback(bench: Bench): Promise<Row[]> {
  const options = { ...bench, deadline: 120 };
  const stops: Stop[] = [];
  try {
    const stage = await setStage(options);
    stops.push(() => clearStage({ ...options, data: stage.state.dataDir }), stage.stop);
    const project = await stage.project(path);
    for (const version of ['v1', 'v2']) {
      await pushVersion(stage, project, { version, files: filesOf(bench, version) });
    }
    const times: number[] = [];
    // One is not counted: what is asked for the first time has to be read first.
    for (let run = 0; run <= runs; run += 1) {
      times.push(await rollBack(stage, project.id, run % 2 === 0 ? 1 : 2));
    }
    const counted = times.slice(1).sort((a, b) => a - b);
    const range = `${counted[0]?.toFixed(0)} to ${counted.at(-1)?.toFixed(0)}`;
    return [
      {
        what: 'rollback: from the call to the first answer of the old version',
        measured: `${median(counted).toFixed(0)} ms (${range})`,
        aim: '≤ 2,000 ms',
      },
    ];
  } finally {
    await stopAll(stops);
  }
}

const filesOf = ({ images }: Bench, version: string) => ({
  Dockerfile: `FROM ${images.busybox}\nCOPY index.html /www/\nEXPOSE 8080\nCMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n`,
  'index.html': version,
});

/** Answers milliseconds; comes back once nothing of the deployment is under way. */
async function rollBack({ state }: Stage, project: number, release: number): Promise<number> {
  const ofProject = `${state.ekidenUrl}/api/v1/projects/${project}`;
  const headers = { 'private-token': state.gitlabToken };
  const start = performance.now();
  const asked = await fetch(`${ofProject}/environments/production/rollback`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ release }),
  });
  if (!asked.ok) throw new Error(`the rollback is refused: ${await asked.text()}`);
  const { deployments } = (await asked.json()) as { deployments: { id: string }[] };
  while ((await answerOf(state.nginxUrl)) !== `v${release}`) {
    if (performance.now() - start > patience) throw new Error('the old version never answers');
    await delay(askEvery);
  }
  const took = performance.now() - start;
  await poll(
    async () => {
      const answer = await fetch(`${ofProject}/deployments/${deployments[0]?.id}`, { headers });
      const { state: now, reason } = (await answer.json()) as { state: string; reason?: string };
      if (now === 'failed') throw new Error(reason);
      return now === 'succeeded' || undefined;
    },
    { within: patience, every: 200, what: 'the deployment' },
  );
  return took;
}

function answerOf(url: string): Promise<string> {
  return new Promise((resolve) => {
    request(url, { headers: { host }, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        text += piece;
      });
      answer.on('end', () => resolve(text.trim()));
    })
      .on('error', () => resolve(''))
      .end();
  });
}
