/** Where a Docker daemon is looked for. */
import { describe, expect, it } from 'vitest';
import { connectDocker } from '../../src/clients/docker.ts';
import { SetupError } from '../../src/core/errors.ts';

describe('connectDocker', () => {
  it.each([
    [undefined, { socketPath: '/var/run/docker.sock' }],
    ['unix:///run/user/1000/docker.sock', { socketPath: '/run/user/1000/docker.sock' }],
    ['/run/my docker.sock', { socketPath: '/run/my docker.sock' }],
    ['unix:///run/my docker.sock', { socketPath: '/run/my docker.sock' }],
    ['tcp://10.0.0.1:4243', { protocol: 'http', host: '10.0.0.1', port: 4243 }],
    ['tcp://docker', { protocol: 'http', host: 'docker', port: 2375 }],
    ['http://docker', { protocol: 'http', host: 'docker', port: 80 }],
    ['http://docker:2375/', { protocol: 'http', host: 'docker', port: 2375 }],
    ['tcp://[::1]:2375', { protocol: 'http', host: '::1', port: 2375 }],
  ])('takes %s', (host, wanted) => {
    expect(connectDocker(host).modem).toMatchObject(wanted);
  });

  it.each([
    'ssh://root:secret@10.0.0.1',
    'https://10.0.0.1:2376',
    'npipe:////./pipe/docker_engine',
    'fd://',
    'unix://',
    'unix://run/docker.sock',
    'tcp://',
    'tcp://:2375',
    'tcp://a:b',
    'docker',
    'docker:2375',
    '',
  ])('refuses %j, and says what it may be', (host) => {
    expect(() => connectDocker(host)).toThrow(SetupError);
    expect(() => connectDocker(host)).toThrow(
      /^DOCKER_HOST .*unix:\/\/\/path, \/path, tcp:\/\/host:port or http:\/\/host:port/,
    );
    expect(() => connectDocker(host)).not.toThrow('secret');
  });
});
