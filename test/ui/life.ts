/** A project with some history and two environments, as Ekiden could know it. */

import type { BuildStep } from '../../src/core/build-step.ts';
import type { Instance } from '../../src/core/instance.ts';
import type { LogFiles, LogFrame } from '../../src/core/log-file.ts';
import type { InstanceMetrics } from '../../src/core/sample.ts';
import type { ServiceDetail } from '../../src/core/service.ts';
import type { Ekiden } from '../../src/ekiden.ts';
import { sampleBuild, sampleDeployment } from '../support/samples.ts';

const minute = 60_000;

export const instances = [
  'shop_front_production_web.instance-6b1c8f2e-0f5b-11ef-9b1d-0242ac110002._app.1',
  'shop_front_production_web.instance-7c2d9f3e-0f5b-11ef-9b1d-0242ac110003._app.1',
];

/** Puts records into the stores, and gives what runs, what it used and what it wrote. */
export async function bringToLife(ekiden: Ekiden, project: number): Promise<void> {
  const now = Date.now();
  await ekiden.knownProjects.note({ id: project, path: 'shop/front' });
  await createBuilds(ekiden, project, now);
  await createDeployments(ekiden, project, now);
  const details = services(project, now);
  ekiden.services = {
    ofProject: async (id) => (id === project ? details : []),
    find: async (name) =>
      details.find(
        ({ environment, service }) => environment === name.environment && service === name.service,
      ),
  };
  ekiden.metrics = { ofApp: async () => [measured(now)] };
  ekiden.logFiles = logFiles(now);
}

async function createBuilds({ builds, buildLogs }: Ekiden, project: number, now: number) {
  const legs = (start: number) => [
    { name: 'hook' as const, start, end: start + 42 },
    { name: 'queue' as const, start: start + 42, end: start + 50 },
    { name: 'resolve' as const, start: start + 50, end: start + 430 },
    { name: 'build' as const, start: start + 430, end: start + 9_800 },
    { name: 'push' as const, start: start + 9_800, end: start + 12_000 },
  ];
  const failedAt = now - 90 * minute;
  const base = { project, projectPath: 'shop/front', cause: 'hook' as const };
  await builds.create(
    sampleBuild({
      ...{ ...base, id: 'failed1', sha: 'b'.repeat(40), state: 'failed', createdAt: failedAt },
      reason: 'Dockerfile:3: RUN npm ci ended with a non-zero code: 1',
      legs: legs(failedAt).slice(0, 4),
    }),
  );
  const goodAt = now - 12 * minute;
  await builds.create(
    sampleBuild({
      ...{ ...base, id: 'good1', sha: 'c'.repeat(40), state: 'succeeded', createdAt: goodAt },
      ...{ deployments: ['live1'], legs: legs(goodAt), image: 'registry.test/shop/front@sha256:0' },
      steps: steps(goodAt),
    }),
  );
  await builds.create(
    sampleBuild({
      ...{ ...base, id: 'running1', sha: 'd'.repeat(40), state: 'running', createdAt: now },
      ref: 'refs/heads/feature/a-rather-long-name-of-a-branch',
      legs: legs(now - 3_000).slice(0, 3),
    }),
  );
  const log = await buildLogs.open('good1');
  log.write('07:10:03 #1 FROM node:20\n\u001b[32mdone\u001b[0m\n<script>alert(1)</script>\n');
  log.write(`07:10:04 #3 RUN npm ci\n${'added a package\n'.repeat(200)}07:11:18 #3 1 min 14 s\n`);
  await log.close();
}

function steps(start: number): BuildStep[] {
  const origin = 'services/web/Dockerfile:3 → template:node@20.1.0:7';
  return [
    { title: 'FROM node:20', origin: 'Dockerfile:1', state: 'hit', start, end: start + 3 },
    {
      ...{ title: 'COPY package.json package-lock.json ./', origin, state: 'miss', start },
      ...{ end: start + 210, why: 'package-lock.json changed' },
    },
    {
      ...{ title: 'RUN npm ci --no-audit --no-fund --ignore-scripts --prefer-offline', origin },
      ...{ state: 'miss', start, end: start + 74_000, why: 'step 2 changed' },
    },
    { title: 'CMD ["node", "server.js"]', state: 'canceled', start, end: start + 1 },
  ];
}

async function createDeployments({ deployments }: Ekiden, project: number, now: number) {
  const start = now - 11 * minute;
  await deployments.create(
    sampleDeployment({
      ...{ id: 'live1', build: 'good1', project, sha: 'c'.repeat(40), state: 'succeeded' },
      ...{ release: 7, createdAt: start, variables: ['DATABASE_URL'] },
      reason: 'live at http://shop-front.localhost:8000/',
      legs: [
        { name: 'deploy', start, end: start + 1_900 },
        { name: 'health', start: start + 1_900, end: start + 2_300 },
        { name: 'route', start: start + 2_300, end: start + 2_305 },
      ],
    }),
  );
  await deployments.create(
    sampleDeployment({
      ...{ id: 'late1', build: 'failed1', project, state: 'failed', createdAt: start - minute },
      reason: 'not healthy after 300 s, back to release 6: listens on 3000, checked 8080',
    }),
  );
}

function services(project: number, now: number): ServiceDetail[] {
  const instance = (id: string, change: Partial<Instance> = {}): Instance => ({
    ...{ id, state: 'healthy', host: '10.0.0.5', ports: [31_000], isRouted: true },
    startedAt: now - 11 * minute,
    ...change,
  });
  const plain = { project, cpus: 0.5, mem: 128, variables: ['DATABASE_URL'], isDeploying: false };
  const release = { number: 7, sha: 'c'.repeat(40), build: 'good1', image: 'i', createdAt: now };
  const none = { waiting: 0, starting: 0, healthy: 0, unhealthy: 0, stopping: 0 };
  return [
    {
      ...{ ...plain, environment: 'production', service: 'web', app: '/shop/front/production/web' },
      ...{ health: 'degraded', reason: '1 of 2 instances answers 503 to GET /healthz', release },
      instances: { ...none, wanted: 2, healthy: 1, unhealthy: 1 },
      addresses: ['http://shop-front.localhost:8000/'],
      list: [
        instance(instances[0] ?? ''),
        instance(instances[1] ?? '', {
          state: 'unhealthy',
          reason: 'answers 503',
          isRouted: false,
        }),
      ],
    },
    {
      ...{ ...plain, environment: 'review/x', service: 'web', app: '/shop/front/review-x/web' },
      ...{ health: 'stopped', instances: { ...none, wanted: 0 }, list: [] },
      addresses: ['http://review-x--shop-front.localhost:8000/'],
    },
  ];
}

function measured(now: number): InstanceMetrics {
  const step = 10_000;
  const start = Math.floor((now - 60 * minute) / step) * step;
  const wave = (base: number, size: number) =>
    Array.from({ length: 360 }, (_, at) => (at < 90 ? null : base + size * Math.sin(at / 9) ** 2));
  const flat = wave(1_000, 0);
  return {
    instance: instances[0] ?? '',
    limits: { cpu: 0.5, memory: 128 * 1024 ** 2 },
    series: {
      ...{ start, step },
      values: {
        ...{ cpu: wave(0.05, 0.3), memory: wave(40 * 1024 ** 2, 2e7), diskRead: flat },
        ...{ diskWrite: flat, networkReceive: flat, networkSend: flat },
      },
    },
  };
}

function logFiles(now: number): LogFiles {
  const file = (path: string, size: number) => ({ path, size, modifiedAt: now });
  return {
    list: async () => [
      file('logs/access.log', 1_234_567),
      file('stderr', 0),
      file('stdout', 4_096),
    ],
    open: async () => undefined,
    async *follow(_instance, path): AsyncGenerator<LogFrame> {
      yield { type: 'position', identity: path, offset: 0 };
      yield { type: 'data', bytes: Buffer.from(`first line of ${path}\n`) };
      yield { type: 'end', reason: 'the instance has ended' };
    },
  };
}
