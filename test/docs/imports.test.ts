/** The linter lets a file import what the design lets it import, and nothing else. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { packageFolder } from '../../src/paths.ts';

/** By file, one import a line. */
const refused: Record<string, string[]> = {
  'src/brand-new.ts': [
    `import { web } from '../runners/web.ts'`,
    `import type { Hook } from '../hooks/index.ts'`,
    `const lazy = () => import('../runners/web.ts')`,
    `export { push } from '../hooks/push.ts'`,
  ],
  'src/core/noun.ts': [
    `import { connectDocker } from '../clients/docker.ts'`,
    `import type { Ekiden } from '../ekiden.ts'`,
    `import { readFile } from 'node:fs/promises'`,
    `import { z } from 'zod'`,
    `import { Gitlab } from '@gitbeaker/rest'`,
    `import { pack } from 'tar-stream/pack'`,
  ],
  'src/clients/remote.ts': [
    `import { buildImage } from '../build/image/image.ts'`,
    `import type { Ekiden } from '../ekiden.ts'`,
    `import { createLog } from '../log.ts'`,
  ],
  'src/build/part.ts': [
    `import type { AppName } from '../deploy/names.ts'`,
    `import { readConfig } from '../config.ts'`,
    `import { web } from '../../runners/web.ts'`,
    `export { createStores } from '../stores/index.ts'`,
    `const lazy = () => import('../engine/engine.ts')`,
  ],
  'src/deploy/rollout/part.ts': [
    `import { buildImage } from '../../build/image/image.ts'`,
    `import { web } from '../../../runners/web.ts'`,
  ],
  'src/discovery/renderers/variant.ts': [`import { createView } from '../view.ts'`],
  'src/embedded/part.ts': [
    `import { createStores } from '../stores/index.ts'`,
    `import { createEkiden } from '../ekiden.ts'`,
  ],
  'src/brand-new/part.ts': [
    `import { buildImage } from '../build/image/image.ts'`,
    `import type { Ekiden } from '../ekiden.ts'`,
    `import { push } from '../../hooks/push.ts'`,
  ],
  'src/brand-new/sinks/variant.ts': [`import { parseRoutes } from '../../discovery/routes.ts'`],
  'src/engine/part.ts': [
    `import { createGitLab } from '../clients/gitlab.ts'`,
    `import type { AppName } from '../deploy/names.ts'`,
  ],
  'src/engine/tasks/part.ts': [
    `import { createGitLab } from '../../clients/gitlab.ts'`,
    `import type { AppName } from '../../deploy/names.ts'`,
    `import { web } from '../../../runners/web.ts'`,
  ],
  'src/http/page.ts': [
    `import { createBuildLogs } from '../build/log/build-log.ts'`,
    `import { connectRedis } from '../clients/redis.ts'`,
    `import { push } from '../../hooks/push.ts'`,
    `import { createEkiden } from '../ekiden.ts'`,
    `import { createEkiden as create, type Ekiden } from '../ekiden.ts'`,
  ],
  'src/http/api/route.ts': [
    `import { createBuildLogs } from '../../build/log/build-log.ts'`,
    `import { createEkiden } from '../../ekiden.ts'`,
  ],
  'hooks/event.ts': [
    `import { createStores } from '../src/stores/index.ts'`,
    `import { handOver } from '../src/relay.ts'`,
    `import { web } from '../runners/web.ts'`,
    `import { createEkiden } from '../src/ekiden.ts'`,
  ],
  'runners/role.ts': [
    `import { buildImage } from '../src/build/image/image.ts'`,
    `import { connectRedis } from '../src/clients/redis.ts'`,
  ],
  'runners/commands/command.ts': [
    `import { buildImage } from '../../src/build/image/image.ts'`,
    `import { connectRedis } from '../../src/clients/redis.ts'`,
  ],
  'src/relay.ts': [
    `import { buildImage } from './build/image/image.ts'`,
    `import type { Deployer } from './deploy/deployer.ts'`,
    `import { readConfig } from './config.ts'`,
    `import { push } from '../hooks/push.ts'`,
    `import { createEkiden } from './ekiden.ts'`,
  ],
};

const allowed: Record<string, string[]> = {
  'src/brand-new.ts': [
    `import { buildImage } from './build/image/image.ts'`,
    `import { z } from 'zod'`,
  ],
  'src/core/noun.ts': [`import { InputError } from './errors.ts'`],
  'src/clients/remote.ts': [
    `import { InputError } from '../core/errors.ts'`,
    `import { fetch } from 'undici'`,
    `import { connectRedis } from './redis.ts'`,
  ],
  'src/brand-new/part.ts': [
    `import { connectDocker } from '../clients/docker.ts'`,
    `import { InputError } from '../core/errors.ts'`,
    `import { sinks } from './sinks/index.ts'`,
  ],
  'src/brand-new/sinks/variant.ts': [
    `import { connectDocker } from '../../clients/docker.ts'`,
    `import { InputError } from '../../core/errors.ts'`,
  ],
  'src/engine/part.ts': [
    `import { connectDocker } from '../clients/docker.ts'`,
    `import { InputError } from '../core/errors.ts'`,
    `import express from 'express'`,
  ],
  'src/engine/tasks/part.ts': [
    `import { connectDocker } from '../../clients/docker.ts'`,
    `import { InputError } from '../../core/errors.ts'`,
    `import { createCluster } from '../state/cluster.ts'`,
  ],
  'src/http/page.ts': [
    `import type { Ekiden } from '../ekiden.ts'`,
    `import { InputError } from '../core/errors.ts'`,
    `import { Router } from 'express'`,
  ],
  'hooks/event.ts': [
    `import type { Ekiden } from '../src/ekiden.ts'`,
    `import { isNoCommit } from '../src/core/hook.ts'`,
    `import { keyOf } from './key.ts'`,
  ],
  'runners/role.ts': [
    `import { createEkiden } from '../src/ekiden.ts'`,
    `import { hooks } from '../hooks/index.ts'`,
    `import { startServer } from '../src/http/server.ts'`,
  ],
  'runners/commands/command.ts': [
    `import { readConfig } from '../../src/config.ts'`,
    `import { startUp } from '../up.ts'`,
  ],
  'src/relay.ts': [
    `import type { BuildWork, Ekiden } from './ekiden.ts'`,
    `import type { Arrival } from './core/event.ts'`,
  ],
};

test('every import against the design is refused', () => {
  expect(lint(plant(refused))).toEqual(linesOf(refused));
});

test('every import that the design wants is allowed', () => {
  expect(lint(plant(allowed))).toEqual([]);
});

test('nothing in the tree goes against the design', () => {
  expect(lint(packageFolder, ['src', 'hooks', 'runners'])).toEqual([]);
});

/** Writes the files into a tree of their own, with the linter's settings of this one. */
function plant(files: Record<string, string[]>): string {
  const tree = mkdtempSync(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'imports-'));
  onTestFinished(() => rmSync(tree, { recursive: true, force: true }));
  cpSync(join(packageFolder, 'biome.json'), join(tree, 'biome.json'));
  for (const [file, lines] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), lines.map((line) => `${line};\n`).join(''));
  }
  return tree;
}

/** Each import as `file:line`. */
function linesOf(files: Record<string, string[]>): string[] {
  const all = Object.entries(files).flatMap(([file, lines]) =>
    lines.map((_, index) => `${file}:${index + 1}`),
  );
  return all.sort();
}

interface Findings {
  diagnostics: { location: { path: string; start: { line: number } } }[];
}

/** The lines that the linter refuses. */
function lint(folder: string, paths = ['.']): string[] {
  const biome = join(packageFolder, 'node_modules/.bin/biome');
  const how = ['--only=style/noRestrictedImports', '--reporter=json', '--max-diagnostics=none'];
  const options = { cwd: folder, encoding: 'utf8', timeout: 60_000 } as const;
  const { stdout, stderr } = spawnSync(biome, ['lint', ...how, ...paths], options);
  expect(stdout, stderr).not.toBe('');
  const { diagnostics } = JSON.parse(stdout) as Findings;
  const found = diagnostics.map(({ location }) => `${location.path}:${location.start.line}`);
  return [...new Set(found)].sort();
}
