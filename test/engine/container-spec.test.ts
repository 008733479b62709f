/** What Docker is asked for: command, environment, network, mounts, limits, parameters, labels. */
import { describe, expect, it } from 'vitest';
import type { AppInput } from '../../src/engine/app-schema.ts';
import { containerPorts, containerSpec, hostPortsWanted } from '../../src/engine/container-spec.ts';
import { fullReference } from '../../src/engine/docker-host.ts';
import { appOf, EARLY } from './definitions.ts';

function specOf(input: AppInput, ports: number[] = [31_000]) {
  return containerSpec({
    app: appOf(input),
    taskId: 'web.instance-1._app.1',
    install: 'i1',
    image: 'busybox',
    host: '127.0.0.1',
    ports,
    sandbox: '/data/sandboxes/t',
    network: 'ekiden-i1',
  });
}

const bridged: AppInput = {
  networks: [{ mode: 'container/bridge' }],
  container: { docker: { image: 'nginx' }, portMappings: [{ containerPort: 80, name: 'http' }] },
};

describe('containerSpec', () => {
  it('runs a command in a shell on the host network, with all that Marathon tells a task', () => {
    const spec = specOf({ cmd: 'serve $PORT', env: { A: 'b' }, labels: { 'a.b': 'c' }, cpus: 0.5 });
    expect(spec).toMatchObject({
      name: 'web.instance-1._app.1',
      Image: 'busybox',
      Entrypoint: ['/bin/sh', '-c'],
      Cmd: ['serve $PORT'],
      Labels: {
        MESOS_TASK_ID: 'web.instance-1._app.1',
        'ekiden.install': 'i1',
        'ekiden.app': '/web',
      },
      HostConfig: {
        NetworkMode: 'host',
        CpuShares: 512,
        Memory: 128 * 1024 * 1024,
        MemorySwap: 128 * 1024 * 1024,
        Binds: ['/data/sandboxes/t:/mnt/mesos/sandbox:rw'],
      },
    });
    expect(spec.Env).toEqual([
      'MESOS_TASK_ID=web.instance-1._app.1',
      'MESOS_SANDBOX=/mnt/mesos/sandbox',
      'MARATHON_APP_ID=/web',
      `MARATHON_APP_VERSION=${EARLY}`,
      'MARATHON_APP_DOCKER_IMAGE=busybox',
      'MARATHON_APP_RESOURCE_CPUS=0.5',
      'MARATHON_APP_RESOURCE_MEM=128.0',
      'MARATHON_APP_RESOURCE_DISK=0.0',
      'MARATHON_APP_RESOURCE_GPUS=0',
      'MARATHON_APP_ENFORCE_GROUP_ROLE=FALSE',
      'MARATHON_APP_LABELS=A_B',
      'MARATHON_APP_LABEL_A_B=c',
      'HOST=127.0.0.1',
      'PORT=31000',
      'PORTS=31000',
      'PORT0=31000',
      'PORT_DEFAULT=31000',
      'A=b',
    ]);
  });

  it('publishes the ports of a bridged app on the address of its host', () => {
    const spec = specOf(bridged);
    expect(spec.HostConfig).toMatchObject({
      NetworkMode: 'ekiden-i1',
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '31000' }] },
    });
    expect(spec.ExposedPorts).toEqual({ '80/tcp': {} });
    expect(spec.Env).toEqual(expect.arrayContaining(['PORT_80=31000', 'PORT_HTTP=31000']));
  });

  it('lets the container listen on the host port where it names none', () => {
    const app = appOf({ ...bridged, container: { docker: { image: 'nginx' } } });
    expect(hostPortsWanted(app)).toEqual([0]);
    expect(containerPorts(app, [31_005])).toEqual([31_005]);
  });

  it('hands arguments to the image', () => {
    const { cmd: _, ...app } = appOf({ container: { docker: { image: 'x' } }, args: ['-v'] });
    expect(app.args).toEqual(['-v']);
    const spec = containerSpec({
      app,
      taskId: 't',
      install: 'i',
      image: 'x',
      host: 'h',
      ports: [],
      sandbox: '/s',
      network: 'n',
    });
    expect([spec.Cmd, spec.Entrypoint]).toEqual([['-v'], undefined]);
  });

  it('mounts relative paths from the sandbox and absolute ones as they are', () => {
    const volumes = [
      { containerPath: '/logs', hostPath: 'logs' },
      { containerPath: '/etc/x', hostPath: '/etc/y', mode: 'RO' as const },
    ];
    const spec = specOf({ container: { docker: { image: 'x' }, volumes } });
    expect(spec.HostConfig.Binds?.slice(1)).toEqual([
      '/data/sandboxes/t/logs:/logs:rw',
      '/etc/y:/etc/x:ro',
    ]);
  });

  it('sets the flags of docker run, but never lets them take its labels', () => {
    const parameters = [
      { key: 'label', value: 'team=a' },
      { key: 'label', value: 'ekiden.install=other' },
      { key: 'ulimit', value: 'nofile=64:128' },
      { key: 'memory', value: '64m' },
      { key: 'env', value: 'B=c' },
    ];
    const spec = specOf({ container: { docker: { image: 'x', parameters } } });
    expect(spec.Labels).toMatchObject({ team: 'a', 'ekiden.install': 'i1' });
    expect(spec.HostConfig.Ulimits).toEqual([{ Name: 'nofile', Soft: 64, Hard: 128 }]);
    expect(spec.HostConfig.Memory).toBe(64 * 1024 * 1024);
    expect(spec.Env?.at(-1)).toBe('B=c');
  });

  it('asks for fixed host ports only where the app requires them', () => {
    expect(hostPortsWanted(appOf({ ports: [8080] }))).toEqual([0]);
    expect(hostPortsWanted(appOf({ ports: [8080], requirePorts: true }))).toEqual([8080]);
  });
});

it.each([
  ['nginx', 'nginx:latest'],
  ['127.0.0.1:5000/a/b', '127.0.0.1:5000/a/b:latest'],
  ['127.0.0.1:5000/a/b:1', '127.0.0.1:5000/a/b:1'],
  ['a@sha256:00', 'a@sha256:00'],
])('reads the image %s as %s', (image, reference) => expect(fullReference(image)).toBe(reference));
