/** Whole records with nothing special about them, for tests that care about one field. */
import type { Build } from '../../src/core/build.ts';
import type { Deployment } from '../../src/core/deployment.ts';
import type { ServiceSpec } from '../../src/core/manifest.ts';
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

export function sampleDeployment(change: Partial<Deployment> = {}): Deployment {
  return {
    id: 'd1',
    kind: 'push',
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
    deadline: 300,
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
    deadline: 300,
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
