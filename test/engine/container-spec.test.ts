/** What Docker is asked for: command, environment, network, mounts, limits, parameters, labels. */
import { describe, expect, it } from 'vitest';
import type { AppInput } from '../../src/engine/apps/app-schema.ts';
import { parameterProblem } from '../../src/engine/docker/docker-parameters.ts';
import { fullReference } from '../../src/engine/docker/image-puller.ts';
import {
  containerPorts,
  containerSpec,
  hostPortsWanted,
} from '../../src/engine/launch/container-spec.ts';
import { appOf, EARLY } from './definitions.ts';

function specOf(input: AppInput, ports: number[] = [31_000]) {
  return containerSpec({
    app: appOf(input),
    taskId: 'web.instance-1._app.1',
    install: 'i1',
    frameworkId: 'f1',
    image: 'busybox',
    host: '127.0.0.1',
    ports,
    sandbox: '/data/sandboxes/t',
    network: 'ekiden-i1',
    enforcesRole: true,
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
      'MARATHON_APP_RESOURCE_CPUS=0.5',
      'MARATHON_APP_RESOURCE_MEM=128.0',
      'MARATHON_APP_RESOURCE_DISK=0.0',
      'MARATHON_APP_RESOURCE_GPUS=0',
      'MARATHON_APP_ENFORCE_GROUP_ROLE=TRUE',
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
    expect(hostPortsWanted(app)).toEqual([{ port: 0, protocol: 'tcp' }]);
    expect(containerPorts(app, [31_005])).toEqual([31_005]);
  });

  it('hands arguments to the image', () => {
    const { cmd: _, ...app } = appOf({ container: { docker: { image: 'x' } }, args: ['-v'] });
    expect(app.args).toEqual(['-v']);
    const spec = containerSpec({
      app,
      taskId: 't',
      install: 'i',
      frameworkId: 'f',
      image: 'x',
      host: 'h',
      ports: [],
      sandbox: '/s',
      network: 'n',
      enforcesRole: false,
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
    const wanted = (port: number) => [{ port, protocol: 'tcp' }];
    expect(hostPortsWanted(appOf({ ports: [8080] }))).toEqual(wanted(0));
    expect(hostPortsWanted(appOf({ ports: [8080], requirePorts: true }))).toEqual(wanted(8080));
  });
});

it.each([
  ['nginx', 'nginx:latest'],
  ['127.0.0.1:5000/a/b', '127.0.0.1:5000/a/b:latest'],
  ['127.0.0.1:5000/a/b:1', '127.0.0.1:5000/a/b:1'],
  ['a@sha256:00', 'a@sha256:00'],
])('reads the image %s as %s', (image, reference) => expect(fullReference(image)).toBe(reference));

describe('docker parameters', () => {
  const applied = (...parameters: [string, string][]) => {
    const list = parameters.map(([key, value]) => ({ key, value }));
    return specOf({ container: { docker: { image: 'x', parameters: list } } });
  };

  it.each<[string, string, string, unknown]>([
    ['hostname', 'box', 'Hostname', 'box'],
    ['user', '1000:1000', 'User', '1000:1000'],
    ['stop-timeout', '9', 'StopTimeout', 9],
    ['tty', 'true', 'Tty', true],
    ['expose', '53/udp', 'ExposedPorts', { '53/udp': {} }],
    ['net-alias', 'db', 'NetworkingConfig', { EndpointsConfig: { host: { Aliases: ['db'] } } }],
  ])('%s=%s sets %s of the container', (key, value, field, want) => {
    expect(applied([key, value])).toMatchObject({ [field]: want });
  });

  it.each<[string, string, string, unknown]>([
    ['memory', '1.5g', 'Memory', 1.5 * 1024 ** 3],
    ['memory-swap', '-1', 'MemorySwap', -1],
    ['cpus', '.5', 'NanoCpus', 5e8],
    ['init', '1', 'Init', true],
    ['oom-kill-disable', 'false', 'OomKillDisable', false],
    ['ulimit', 'nofile=64:128', 'Ulimits', [{ Name: 'nofile', Soft: 64, Hard: 128 }]],
    ['ulimit', 'core=-1', 'Ulimits', [{ Name: 'core', Soft: -1, Hard: -1 }]],
    [
      'device',
      '/dev/fuse',
      'Devices',
      [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' }],
    ],
    [
      'mount',
      'type=bind,src=/a,dst=/b,readonly',
      'Mounts',
      [{ Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true }],
    ],
    ['tmpfs', '/run:size=1m', 'Tmpfs', { '/run': 'size=1m' }],
    ['log-driver', 'syslog', 'LogConfig', { Type: 'syslog', Config: {} }],
    [
      'log-opt',
      'max-size=1m',
      'LogConfig',
      { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } },
    ],
    ['add-host', 'a:1.2.3.4', 'ExtraHosts', ['a:1.2.3.4']],
    ['cap-add', 'NET_ADMIN', 'CapAdd', ['NET_ADMIN']],
    ['cpu-quota', '50000', 'CpuQuota', 50_000],
  ])('%s=%s sets %s', (key, value, field, want) => {
    expect(applied([key, value]).HostConfig).toMatchObject({ [field]: want });
  });

  it('take options of a log before its driver, as Docker does', () => {
    const spec = applied(['log-opt', 'tag=a'], ['log-driver', 'syslog'], ['log-opt', 'b=c']);
    expect(spec.HostConfig.LogConfig).toEqual({ Type: 'syslog', Config: { tag: 'a', b: 'c' } });
  });

  it('add up where Docker adds them up, and go before what the app says', () => {
    const spec = applied(['volume', '/a:/b'], ['volume', '/c:/d:ro'], ['env', 'HOST=x']);
    expect(spec.HostConfig.Binds?.slice(1)).toEqual(['/a:/b', '/c:/d:ro']);
    expect(spec.Env?.filter((one) => one.startsWith('HOST='))).toEqual(['HOST=x']);
  });

  it.each([
    ['memory', 'much', "must be a size such as 64m, not 'much'"],
    ['cpu-shares', '1.5', "must be a whole number, not '1.5'"],
    ['cpus', 'two', "must be a number, not 'two'"],
    ['init', 'yes', "must be true or false, not 'yes'"],
    ['ulimit', 'nofile', 'must be a whole number'],
    ['mount', 'type=bind,src=/a', 'has no dst'],
    ['mount', 'bind-propagation=rslave', "has 'bind-propagation'"],
    ['expose', 'web', "must be a port such as 53/udp, not 'web'"],
    ['network', 'host', 'is not allowed; allowed are label, env, '],
    ['restart', 'always', 'is not allowed'],
    ['__proto__', 'x', 'is not allowed'],
  ])('%s=%s is refused', (key, value, why) => {
    expect(parameterProblem({ key, value })).toContain(`docker parameter '${key}' ${why}`);
  });
});

describe('an app without an image', () => {
  it('runs its first argument, and is told of no image', () => {
    const { cmd: _, ...app } = appOf({ args: ['sleep', '1'] });
    const names = { taskId: 't', install: 'i', frameworkId: 'f', host: 'h' };
    const common = { ...names, image: 'default', enforcesRole: false };
    const spec = containerSpec({ app, ...common, ports: [], sandbox: '/s', network: 'n' });
    expect([spec.Image, spec.Entrypoint, spec.Cmd]).toEqual(['default', ['sleep', '1'], []]);
    expect(spec.Env?.some((one) => one.startsWith('MARATHON_APP_DOCKER_IMAGE'))).toBe(false);
  });
});

it('runs as the user of the app', () => {
  expect(specOf({ user: 'nobody' }).User).toBe('nobody');
  expect(specOf({}).User).toBeUndefined();
});

it.each([
  ['a limit above what is asked for', { cpus: 1.5, mem: 64 }, [1.5e9, 64, 32]],
  ['none', undefined, [undefined, 32, undefined]],
  ['unlimited', { cpus: 'unlimited', mem: 'unlimited' }, [undefined, 0, 32]],
] as const)('bounds cpus and memory by %s', (_name, resourceLimits, want) => {
  const { NanoCpus, Memory, MemoryReservation } = specOf({
    ...{ cpus: 1, mem: 32 },
    ...(resourceLimits && { resourceLimits }),
  }).HostConfig;
  const megabytes = (bytes: number | undefined) => bytes && bytes / 1024 ** 2;
  expect([NanoCpus, megabytes(Memory), megabytes(MemoryReservation)]).toEqual(want);
});
