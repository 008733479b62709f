/** Checks the registry as builds use it: a tiny image is pushed, removed here, pulled, and removed everywhere. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { z } from 'zod';
import { connectDocker, type Docker } from '../clients/docker.ts';
import { type Check, failed, fine, type Outcome } from './check.ts';
import { reasonOf } from './network-errors.ts';

export interface RegistryCheckOptions {
  /** host:port[/prefix] */
  registry: string;
  dockerHost: string;
  install: string;
}

export function checkRegistry(options: RegistryCheckOptions): Check {
  return { name: 'Registry', run: (signal) => tryRegistry(options, signal) };
}

async function tryRegistry(
  { registry, dockerHost, install }: RegistryCheckOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const base = await baseOf(registry, signal).catch((error: unknown) => error);
  if (typeof base !== 'string') {
    return failed(`${registry} is not reached: ${reasonOf(base)}`, 'Check REGISTRY_URL.');
  }
  const docker = connectDocker(dockerHost);
  const down = await docker.ping().then(
    () => false,
    () => true,
  );
  if (down) return failed(`${registry} answers, but no Docker is there to push to it`);
  const name = `${registry}/ekiden-doctor`;
  const image = { name, tag: randomBytes(6).toString('hex'), install };
  try {
    await roundTrip(docker, image, signal);
    return fine(`${registry}: push and pull work`);
  } catch (error) {
    return failed(`${registry}: ${reasonOf(error)}`, mend(registry, reasonOf(error)));
  } finally {
    await docker
      .getImage(`${name}:${image.tag}`)
      .remove()
      .catch(() => undefined);
    await forget({ base, registry, tag: image.tag }).catch(() => undefined);
  }
}

function mend(registry: string, reason: string): string {
  const host = registry.split('/', 1)[0] ?? registry;
  if (/HTTP response to HTTPS|certificate|x509/i.test(reason)) {
    return `Give the registry a certificate that Docker trusts, or put {"insecure-registries": ["${host}"]} into /etc/docker/daemon.json.`;
  }
  if (/denied|unauthorized|authentication|no basic auth/i.test(reason)) {
    return `Ekiden pushes without a login: let ${host} take images of this machine without one, or leave REGISTRY_URL empty for a registry of its own.`;
  }
  return `Try it by hand: docker pull ${host}/x, and read the log of the registry.`;
}

interface TinyImage {
  name: string;
  tag: string;
  install: string;
}

async function roundTrip(docker: Docker, image: TinyImage, signal: AbortSignal): Promise<void> {
  const { name, tag, install } = image;
  const archive = pack();
  archive.entry({ name: 'ekiden-doctor' }, tag);
  archive.finalize();
  const changes = [`LABEL ekiden.install=${install}`];
  await done(await docker.importImage(Readable.from(archive), { repo: name, tag, changes }));
  const there = docker.getImage(`${name}:${tag}`);
  await done(await there.push({ tag, authconfig: {}, abortSignal: signal }));
  await there.remove();
  await done(await docker.pull(`${name}:${tag}`, { abortSignal: signal }));
}

const lineSchema = z.object({ error: z.string().optional() });

/** Docker answers 200 and tells what went wrong in the last lines of the stream. */
async function done(stream: NodeJS.ReadableStream): Promise<void> {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  await finished(stream);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.map((line) => lineSchema.parse(JSON.parse(line)).error);
  const problem = errors.find((error) => error !== undefined);
  if (problem !== undefined) throw new Error(problem);
}

/** Docker itself decides by the same order which of both it speaks. */
async function baseOf(registry: string, signal: AbortSignal): Promise<string> {
  const host = registry.split('/', 1)[0] ?? registry;
  const greet = async (scheme: string) => {
    const answer = await fetch(`${scheme}://${host}/v2/`, { signal, redirect: 'manual' });
    await answer.body?.cancel();
    const isRegistry = answer.ok || answer.status === 401;
    if (!isRegistry) throw new Error(`it answers ${answer.status} at /v2/, and not as a registry`);
    return `${scheme}://${host}`;
  };
  return greet('https').catch(() => greet('http'));
}

interface Pushed {
  base: string;
  registry: string;
  tag: string;
}

const forgetLimit = 2_000;

/** Not every registry lets images be deleted; then some hundred bytes stay there. */
async function forget({ base, registry, tag }: Pushed): Promise<void> {
  const prefix = registry.split('/').slice(1).join('/');
  const repository = [prefix, 'ekiden-doctor'].filter(Boolean).join('/');
  const manifests = `${base}/v2/${repository}/manifests`;
  const signal = AbortSignal.timeout(forgetLimit);
  const headers = { Accept: 'application/vnd.docker.distribution.manifest.v2+json' };
  const answer = await fetch(`${manifests}/${tag}`, { method: 'HEAD', headers, signal });
  const digest = answer.headers.get('docker-content-digest');
  if (digest) await fetch(`${manifests}/${digest}`, { method: 'DELETE', signal });
}
