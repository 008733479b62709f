/** The folder that the private nginx lives in: its files, its token, the upstreams of last time. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Upstream } from '../core/upstream.ts';
import { writeAtomically } from './files.ts';
import { checkConfiguration } from './nginx-program.ts';
import { type Files, stateFile } from './renderers/renderer.ts';

const staging = 'staging-';

/** The files that decide what nginx does, with their texts. */
export async function readFiles(prefix: string): Promise<Files> {
  const names = (await readdir(prefix)).filter((name) => /\.(?:conf|lua|json)$/.test(name));
  const texts = names.map(async (name) => [name, await readFile(join(prefix, name), 'utf8')]);
  return Object.fromEntries(await Promise.all(texts));
}

export async function writeFiles(prefix: string, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeAtomically(join(prefix, name), text);
}

/** Has nginx check a copy of its files with some changed; rejects with nginx's own words. */
export async function checkStaged(program: string, prefix: string, changes: Files): Promise<void> {
  const copy = await mkdtemp(join(prefix, staging));
  try {
    const files = { ...(await readFiles(prefix)), ...changes };
    for (const [name, text] of Object.entries(files)) await writeFile(join(copy, name), text);
    await mkdir(join(copy, 'logs'));
    await mkdir(join(copy, 'tmp'));
    await checkConfiguration(program, copy);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Makes the folders, and removes what a killed run left of a check. */
export async function prepareFolders(prefix: string): Promise<void> {
  for (const name of ['logs', 'tmp']) await mkdir(join(prefix, name), { recursive: true });
  // Whoever can open the socket decides where requests go, and nginx lets everybody open it.
  await mkdir(join(prefix, 'control'), { recursive: true, mode: 0o700 });
  const left = (await readdir(prefix)).filter((name) => name.startsWith(staging));
  for (const name of left) await rm(join(prefix, name), { recursive: true, force: true });
}

/** The secret by which this install knows its nginx, made once. */
export async function tokenOf(prefix: string, install: string): Promise<string> {
  const path = join(prefix, 'token');
  const known = await readFile(path, 'utf8').catch(() => '');
  if (known.startsWith(`${install}-`)) return known;
  const token = `${install}-${randomBytes(16).toString('hex')}`;
  await writeAtomically(path, token);
  return token;
}

const stateSchema = z.object({
  upstreams: z.array(
    z.object({
      app: z.string(),
      routes: z.array(z.object({ host: z.string(), path: z.string() })),
      members: z.array(
        z.object({
          instance: z.string(),
          address: z.string(),
          weight: z.number(),
          dataCentre: z.string().exactOptional(),
        }),
      ),
    }),
  ),
});

/** The upstreams applied last; none when nothing readable is there. */
export async function readUpstreams(prefix: string): Promise<Upstream[]> {
  const text = await readFile(join(prefix, stateFile), 'utf8').catch(() => 'null');
  try {
    return stateSchema.parse(JSON.parse(text)).upstreams;
  } catch {
    return [];
  }
}
