/** INCLUDE of other projects where a build is made again exactly: commits, repeats that were left out, and what is gone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Expansion } from '../../../src/build/dockerfile/index.ts';
import { fragmentsOf, skippedOf } from '../../../src/build/expansion.ts';
import { failureOf, type Host, startHost } from './rig.ts';

let host: Host;

beforeAll(async () => {
  host = await startHost();
});
afterAll(async () => {
  await host.stop();
});

const pub = { visibility: 'public' } as const;

/** A project whose Dockerfile includes these sources. */
const including = (...sources: string[]) =>
  host.project({ Dockerfile: sources.map((source) => `INCLUDE ${source}\n`).join('') });

/** What the record of a build keeps for one that is to be the same. */
const pinsOf = (expansion: Expansion) => [...fragmentsOf(expansion), ...skippedOf(expansion)];

describe('exactly as an earlier build', () => {
  it('takes the recorded commits, whatever is newer', async () => {
    const project = await host.project({ a: 'INCLUDE b\n', b: 'RUN one\n' }, pub);
    const includer = await including(`project:${project.path}:a`, `project:${project.path}@main:b`);
    const earlier = await host.expand(includer);
    await project.commit({ b: 'RUN two\n' });
    const anew = await host.expand(includer);
    expect(anew.bytes.toString()).toBe('RUN two\nRUN two\n');
    const again = await host.expand(includer, { pins: pinsOf(earlier) });
    expect(again.bytes.toString()).toBe('RUN one\nRUN one\n');
    expect(pinsOf(again)).toEqual(pinsOf(earlier));
  });

  it.each([
    ['spliced', '', 'RUN one\nRUN one\n'],
    ['left out', '--once ', 'RUN one\n'],
  ])('takes one commit for a repeat that is spelled otherwise and %s', async (_, flag, text) => {
    const project = await host.project({ a: 'RUN one\n' }, pub);
    const sources = [`project:${project.path}:a`, `project:${project.path}@main:a`];
    const includer = await including(...sources.map((source) => flag + source));
    const earlier = await host.expand(includer);
    expect(earlier.bytes.toString()).toBe(text);
    await project.commit({ a: 'RUN two\n' });
    const again = await host.expand(includer, { pins: pinsOf(earlier) });
    expect(again.bytes.toString()).toBe(text);
    expect(pinsOf(again)).toEqual(pinsOf(earlier));
  });

  it('fails for other bytes than then, and for a commit that is gone', async () => {
    const project = await host.project({ a: 'RUN one\n' }, pub);
    const includer = await including(`project:${project.path}:a`);
    const [pin] = fragmentsOf(await host.expand(includer));
    if (!pin?.project) throw new Error('the fragment has no record of its project');
    const other = { ...pin, sha256: '0'.repeat(64) };
    const changed = await failureOf(host.expand(includer, { pins: [other] }));
    expect(changed).toMatchObject({
      code: 'E_PIN',
      message: expect.stringContaining(`${pin.file} is no longer what the earlier build took`),
    });
    const gone = { ...pin, project: { ...pin.project, sha: '1'.repeat(40) } };
    const lost = await failureOf(host.expand(includer, { pins: [gone] }));
    expect(lost.code).toBe('E_NOT_FOUND');
  });
});
