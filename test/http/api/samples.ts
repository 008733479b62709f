/** What Marathon could say of a service. */
import type { ServiceDetail, ServiceName } from '../../../src/core/service.ts';

export const instanceId =
  'shop_front_production_web.instance-6b1c8f2e-0f5b-11ef-9b1d-0242ac110002._app.1';

export function serviceDetail(name: ServiceName): ServiceDetail {
  return {
    ...name,
    app: '/shop/front/production/web',
    health: 'healthy',
    instances: { wanted: 1, waiting: 0, starting: 0, healthy: 1, unhealthy: 0, stopping: 0 },
    addresses: ['http://shop-front.localhost:8000/'],
    cpus: 0.1,
    mem: 64,
    variables: ['DATABASE_URL'],
    isDeploying: false,
    list: [
      {
        id: instanceId,
        state: 'healthy',
        host: '127.0.0.1',
        ports: [31000],
        version: '2026-01-01T00:00:00.000Z',
        startedAt: 1_767_225_600_000,
        isRouted: true,
      },
    ],
  };
}
