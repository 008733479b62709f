/** Whole records with nothing special about them, for tests that care about one field. */
import type { Build } from '../../src/core/build.ts';
import type { Deployment } from '../../src/core/deployment.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import type { Job } from '../../src/core/job.ts';
import type { DeploySpec, ServiceSpec } from '../../src/core/manifest.ts';
import type { Release } from '../../src/core/release.ts';

export const sampleService: ServiceSpec = {
  name: 'web',
  cpus: 0.1,
  mem: 64,
  instances: 1,
  health: false,
  env: {},
  logs: '/var/log/app',
  routes: [],
};

export function sampleBuild(change: Partial<Build> = {}): Build {
  return {
    id: 'b1',
    project: 7,
    ref: 'refs/heads/main',
    sha: 'a'.repeat(40),
    cause: 'hook',
    state: 'queued',
    deployments: [],
    legs: [{ name: 'hook', start: 1, end: 2 }],
    createdAt: 1_000,
    ...change,
  };
}

/** What a manifest without a section `deploy` comes to. */
export const sampleDeploy: DeploySpec = { strategy: { kind: 'rolling' }, order: 'sequence' };

export function sampleDeployment(change: Partial<Deployment> = {}): Deployment {
  return {
    id: 'd1',
    kind: 'push',
    request: 'b1',
    build: 'b1',
    project: 7,
    projectPath: 'shop/front',
    ref: 'refs/heads/main',
    sha: 'a'.repeat(40),
    environment: 'production',
    service: sampleService,
    serviceCount: 1,
    app: '/shop/front/production/web',
    order: 1,
    image: 'registry/shop/front@sha256:0',
    fragments: [],
    deploy: sampleDeploy,
    state: 'queued',
    addresses: ['http://front.localhost'],
    legs: [],
    createdAt: 1_000,
    ...change,
  };
}

export function sampleRelease(change: Partial<Release> = {}): Release {
  return {
    app: '/shop/front/production/web',
    number: 1,
    project: 7,
    projectPath: 'shop/front',
    environment: 'production',
    service: 'web',
    spec: sampleService,
    serviceCount: 1,
    deploy: sampleDeploy,
    ref: 'refs/heads/main',
    sha: 'a'.repeat(40),
    build: 'b1',
    image: 'registry/shop/front@sha256:0',
    definition: { id: '/shop/front/production/web', cpus: 0.1, labels: {} },
    fragments: [],
    createdAt: 1_000,
    ...change,
  };
}

export function sampleEvidence(change: Partial<Evidence> = {}): Evidence {
  return {
    instance: 'shop_front_production_web.instance-0a1b2c3d-0000-11ee-8000-000000000000._app.1',
    app: '/shop/front/production/web',
    project: 7,
    environment: 'production',
    service: 'web',
    release: 3,
    dataCentre: 'default',
    host: 'node-1',
    at: 5_000,
    state: 'TASK_FAILED',
    reason: 'exited with status 3',
    exit: { code: 3, outOfMemory: false },
    checks: [{ check: 'HTTP /health on 8080', alive: false, consecutiveFailures: 1, cause: 'x' }],
    listening: [3000],
    logs: [{ path: 'stderr', lines: ['no DATABASE_URL'] }],
    ...change,
  };
}

export function sampleJob(change: Partial<Job> = {}): Job {
  return {
    ...{ id: 'j1', kind: 'task', project: 7, environment: 'production', service: 'web' },
    ...{ app: '/shop/cart/production/web', release: 1, command: './migrate', timeout: 60 },
    ...{ by: 'ada', state: 'queued', createdAt: 1_000 },
    ...change,
  };
}
