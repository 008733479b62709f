/** Builds images for tests, and tells what the builder said on the way. */
import type { Readable } from 'node:stream';
import { openContext } from '../../../src/build/context/context.ts';
import { type BuildImageOptions, buildImage } from '../../../src/build/image/image.ts';
import type { StepEvent } from '../../../src/core/build-step.ts';
import { archiveOf, type BuildHost } from '../registry.ts';

export interface Asked extends Partial<Omit<BuildImageOptions, 'dockerfile'>> {
  dockerfile: string;
  files?: Record<string, string | Buffer>;
  archive?: Readable;
}

type Failure = Error & { line?: number; code?: string };

let count = 0;

/** Answers how to build on a host; each image gets a name of its own. */
export function buildsOn(hostOf: () => BuildHost, fixed: Partial<BuildImageOptions> = {}) {
  async function build({ dockerfile, files, archive, ...change }: Asked) {
    const host = hostOf();
    const name = change.name ?? `${host.registry}/test/image-${++count}:one`;
    const events: StepEvent[] = [];
    const signal = change.signal ?? new AbortController().signal;
    const bytes = Buffer.from(dockerfile);
    const context = openContext({
      archive: archive ?? archiveOf(files ?? { 'file.txt': 'content\n' }),
      ...{ folder: '', dockerfile: { path: 'Dockerfile', bytes }, signal },
    });
    const map = [{ file: 'Dockerfile', line: 1, count: dockerfile.split('\n').length }];
    const id = await buildImage({
      ...{ docker: host.docker, context, name, args: {}, labels: host.labels, signal },
      ...fixed,
      ...change,
      dockerfile: { bytes, map },
      onStep(event) {
        events.push(event);
        change.onStep?.(event);
      },
    });
    return { name, id, events, steps: stepsOf(events), said: outputOf(events) };
  }

  return {
    build,
    failureOf: (asked: Asked) =>
      build(asked).then(
        (): Failure => new Error('the build did not fail'),
        (error: unknown) => error as Failure,
      ),
  };
}

/** What all steps printed, and what was said besides. */
export function outputOf(events: StepEvent[]): string {
  return events.map((event) => ('text' in event ? event.text : '')).join('');
}

/** `title` → how it ended, in the order in which they began. */
export function stepsOf(events: StepEvent[]) {
  return events
    .filter((event) => event.type === 'started')
    .map(({ step, title, origin, at }) => {
      const ends = events.filter((event) => event.type === 'ended' && event.step === step);
      const end = ends[0]?.type === 'ended' ? ends[0] : undefined;
      const ms = end && end.at - at;
      return { title, origin, state: end?.state, ends: ends.length, ms };
    });
}
