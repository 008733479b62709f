/** What balancers of one's own are told of a project. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { appSchema } from '../../src/clients/marathon-model.ts';
import { createProjectDiscovery } from '../../src/discovery/index.ts';
import { templatesFolder } from '../../src/paths.ts';
import { makeFolder } from '../support/redis.ts';

const version = '2026-01-01T00:00:00.000Z';

function app(service: string, ports: number[]) {
  return appSchema.parse({
    id: `/shop/front/production/${service}`,
    ...{ version, instances: ports.length },
    labels: {
      'ekiden.install': 'test',
      'ekiden.project': '7',
      'ekiden.environment': 'production',
      'ekiden.service': service,
      'ekiden.routes': `${service}.example.com,example.com/${service}`,
    },
    tasks: ports.map((port) => ({
      id: `shop_front_production_${service}.instance-${port}`,
      appId: `/shop/front/production/${service}`,
      ...{ host: '10.0.0.1', ports: [port], state: 'TASK_RUNNING', version },
    })),
  });
}

const discovery = createProjectDiscovery({
  marathon: {
    apps: async ({ label } = {}) =>
      label === 'ekiden.install==test,ekiden.project==7'
        ? [app('web', [31000, 31001]), app('api', [])]
        : [],
  },
  install: 'test',
  templates: join(templatesFolder, 'nginx'),
});

test('as data', async () => {
  expect(await discovery.ofProject(7)).toEqual([
    {
      environment: 'production',
      service: 'api',
      app: '/shop/front/production/api',
      routes: ['api.example.com/', 'example.com/api'],
      members: [],
    },
    {
      environment: 'production',
      service: 'web',
      app: '/shop/front/production/web',
      routes: ['example.com/web', 'web.example.com/'],
      members: [
        {
          instance: 'shop_front_production_web.instance-31000',
          address: '10.0.0.1:31000',
          weight: 1,
        },
        {
          instance: 'shop_front_production_web.instance-31001',
          address: '10.0.0.1:31001',
          weight: 1,
        },
      ],
    },
  ]);
  expect(await discovery.ofProject(8)).toEqual([]);
});

test('as text that nginx takes, the same for the same state', async () => {
  const text = await discovery.nginxOf(7);
  expect(await discovery.nginxOf(7)).toBe(text);
  expect(text).toContain(`upstream shop_front_production_web {
    server 10.0.0.1:31000 weight=1 max_fails=1 fail_timeout=2s; # shop_front_production_web.instance-31000
    server 10.0.0.1:31001 weight=1 max_fails=1 fail_timeout=2s; # shop_front_production_web.instance-31001
}`);
  const folder = await makeFolder();
  await writeFile(join(folder, 'upstreams.conf'), text);
  await writeFile(
    join(folder, 'nginx.conf'),
    `pid ${folder}/pid; error_log stderr; events {} http { access_log off; include upstreams.conf; }`,
  );
  const { stderr } = await promisify(execFile)('nginx', ['-t', '-p', folder, '-c', 'nginx.conf']);
  expect(stderr).toContain('test is successful');
});
