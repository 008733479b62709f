/** A deployment and a service as the tests of this station start from. */
import type { Deployment } from '../../src/core/deployment.ts';
import type { JourneyEvent } from '../../src/core/event.ts';
import type { ServiceSpec } from '../../src/core/manifest.ts';
import { sampleDeploy } from '../support/samples.ts';

export const health = { interval: 5, timeout: 4, grace: 30, failures: 3 };

export function sampleService(change: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name: 'web',
    cpus: 0.1,
    mem: 256,
    instances: 1,
    ports: [8080],
    health,
    env: {},
    logs: '/var/log/app',
    routes: [],
    ...change,
  };
}

export function sampleDeployment(change: Partial<Deployment> = {}): Deployment {
  return {
    id: 'd1',
    kind: 'push',
    request: change.id ?? 'd1',
    build: 'b1',
    project: 7,
    projectPath: 'shop/cart',
    ref: 'refs/heads/main',
    sha: '0123456789abcdef0123456789abcdef01234567',
    environment: 'production',
    service: sampleService(),
    serviceCount: 1,
    app: '/shop/cart/production/web',
    order: 1,
    image: 'registry.test/shop/cart@sha256:aa',
    fragments: [],
    deploy: sampleDeploy,
    deadline: 30,
    state: 'queued',
    addresses: [],
    legs: [],
    createdAt: 1,
    ...change,
  };
}

/** The deployment that an event is about. */
export function idOf(event: JourneyEvent): string {
  return 'deployment' in event ? event.deployment : '';
}
