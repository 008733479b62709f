/** A Dockerfile that is a link in the repository: what it means is what Docker gets under its name. */

import { extract } from 'tar-stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openContext } from '../../../src/build/context/context.ts';
import { type Host, startHost } from './rig.ts';

let host: Host;

beforeAll(async () => {
  host = await startHost();
});
afterAll(async () => {
  await host.stop();
});

it('is replaced in the context by what it expands to', async () => {
  const project = await host.project({
    'shared/Dockerfile': 'INCLUDE part\nCMD ["x"]\n',
    'web/part': 'FROM scratch\n',
    'web/Dockerfile': { symlink: '../shared/Dockerfile' },
    'web/other': { symlink: '../shared/Dockerfile' },
  });
  const path = 'web/Dockerfile';
  const { bytes } = await host.expand(project, { file: path });
  const archive = await host.client.archive(project.id, { sha: project.sha });
  const { signal } = new AbortController();
  const context = openContext({ archive, folder: '', dockerfile: { path, bytes }, signal });
  const found = new Map<string, string>();
  const entries = extract();
  context.stream.pipe(entries);
  for await (const entry of entries) {
    let text = '';
    for await (const chunk of entry) text += chunk;
    found.set(entry.header.name, `${entry.header.type} ${entry.header.linkname ?? text}`);
  }
  expect(context.dockerfile).toBe(path);
  expect(found.get(path)).toBe('file FROM scratch\nCMD ["x"]\n');
  expect(found.get('web/other')).toBe('symlink ../shared/Dockerfile');
  expect(found.get('shared/Dockerfile')).toBe('file INCLUDE part\nCMD ["x"]\n');
});
