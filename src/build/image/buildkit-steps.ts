/** Reads the steps of a build out of what BuildKit tells of its vertices. */
import { StringDecoder } from 'node:string_decoder';
import type { StepEvent } from '../../core/build-step.ts';
import { RemoteError } from '../../core/errors.ts';
import { decodeStatus, type Status, type Vertex } from './buildkit-messages.ts';
import { parseVertexName, type StepPlaces, type VertexName } from './step-places.ts';
import { lastWordsOf, type StepReader, titleOf } from './steps.ts';

/** How BuildKit fetches the context and the Dockerfile, which people have no part in. */
const isInternal = (name: string) => /^\[(internal|auth)\] |^copy \/context \/$/.test(name);

/** The image that a vertex fetches, or asks a registry about. */
const fetched =
  /^(?:\[internal\] load metadata for|(?:\[[^\]]*\] )?FROM) (?:docker\.io\/(?:library\/)?)?(\S+)/;

/** BuildKit leaves out what a step prints beyond limits that its daemon is started with. */
const isClipped = /\[output clipped, log limit [^\]]* reached\]\n$/;
/** Of more than that line, a search would take time that grows with the square of what a step prints. */
const clippedLength = 100;
const clippedHint =
  'dockerd lets a step print more with BUILDKIT_STEP_LOG_MAX_SIZE=104857600 and BUILDKIT_STEP_LOG_MAX_SPEED=1048576 in its environment\n';

/** Docker 20.10 calls a vertex as the URL that it fetches, newer versions as the step. */
const ofUrl = /^(?:\[[^\]]*\] ADD (?:--\S+ )*)?(https?:\/\/\S+)/;

interface Step {
  name: VertexName | undefined;
  isInternal: boolean;
  hasBegun: boolean;
  hasEnded: boolean;
  /** True once a layer of its image was fetched. */
  hasPulled: boolean;
  line: number | undefined;
  lastWords: string;
  /** One for each of its two streams, since a character may come in two pieces. */
  decoders: Map<number, StringDecoder>;
}

interface Reading {
  places: StepPlaces;
  /** By digest. */
  steps: Map<string, Step>;
  /** Highest index that was told of each stage. */
  highest: Map<string, number>;
  /** What was said of layers and images. */
  told: Set<string>;
  last: Step | undefined;
  failed: Step | undefined;
  /** The base image that could not be had. */
  image: string | undefined;
  /** The URL of an ADD that could not be had. */
  url: string | undefined;
}

/** A vertex comes many times: announced, started, completed, and again where it is asked for twice. */
export function createBuildKitSteps(places: StepPlaces): StepReader {
  const reading: Reading = {
    places,
    steps: new Map(),
    highest: new Map(),
    told: new Set(),
    last: undefined,
    failed: undefined,
    image: undefined,
    url: undefined,
  };

  return {
    read({ id, aux }) {
      if (id !== 'moby.buildkit.trace' || typeof aux !== 'string') return [];
      const { vertexes, logs, statuses } = decode(aux);
      // All of a stage are announced together, and the first needs to know the highest index.
      for (const vertex of vertexes) take(reading, vertex);
      // What a step printed belongs before its end, which may come in the same message.
      return [
        ...vertexes.flatMap((vertex) => begin(reading, vertex)),
        ...logs.flatMap((log) => print(reading, log)),
        ...statuses.flatMap((status) => tell(reading, status)),
        ...vertexes.flatMap((vertex) => complete(reading, vertex)),
      ];
    },
    end(state, at) {
      const running = [...reading.steps].filter(([, step]) => isRunning(step));
      return running.flatMap(([digest, step]): StepEvent[] => {
        step.hasEnded = true;
        return [...flush(digest, step), { type: 'ended', step: digest, state, at }];
      });
    },
    get current() {
      const { failed, last, image, url } = reading;
      const { line, lastWords = '' } = failed ?? last ?? {};
      if (failed === undefined && url !== undefined) {
        return { line: places.lineOfUrl(url), lastWords, image, url };
      }
      const isImage = failed === undefined && image !== undefined;
      return { line: isImage ? places.lineOfImage(image) : line, lastWords, image, url };
    },
  };
}

function take({ steps, highest }: Reading, { digest, name }: Vertex): void {
  if (steps.has(digest)) return;
  const parsed = parseVertexName(name);
  if (parsed) {
    const { stage, index } = parsed;
    highest.set(stage, Math.max(highest.get(stage) ?? 0, index));
  }
  steps.set(digest, {
    name: parsed,
    isInternal: isInternal(name),
    hasBegun: false,
    hasEnded: false,
    hasPulled: false,
    line: undefined,
    lastWords: '',
    decoders: new Map(),
  });
}

function begin(reading: Reading, { digest, name, started }: Vertex): StepEvent[] {
  const step = reading.steps.get(digest);
  if (!step || started === undefined || step.hasBegun) return [];
  step.hasBegun = true;
  if (step.isInternal) return [];
  if (!step.name) return [{ type: 'said', text: `${name}\n` }];
  const { places, highest } = reading;
  step.line = places.lineOfVertex(step.name, highest.get(step.name.stage) ?? 0);
  reading.last = step;
  const origin = places.originOf(step.line);
  const where = origin === undefined ? {} : { origin };
  const title = titleOf(step.name.title);
  return [{ type: 'started', step: digest, title, ...where, at: started }];
}

function print({ steps }: Reading, { vertex, stream, msg }: Status['logs'][number]): StepEvent[] {
  const step = steps.get(vertex);
  if (!step || !isRunning(step)) return [];
  const decoder = step.decoders.get(stream) ?? new StringDecoder('utf8');
  step.decoders.set(stream, decoder);
  const text = decoder.write(Buffer.from(msg));
  if (text === '') return [];
  step.lastWords = lastWordsOf(step.lastWords, text);
  const output: StepEvent = { type: 'output', step: vertex, text };
  return isClipped.test(text.slice(-clippedLength))
    ? [output, { type: 'said', text: clippedHint }]
    : [output];
}

/** Layers of base images, and what is done with the image that was made. */
function tell(reading: Reading, status: Status['statuses'][number]): StepEvent[] {
  const { id, vertex, total, completed } = status;
  const step = reading.steps.get(vertex);
  const key = `${vertex} ${id}`;
  if (!step || step.isInternal || completed === undefined || reading.told.has(key)) return [];
  reading.told.add(key);
  step.hasPulled ||= total > 0;
  const size = total > 0 ? ` ${(total / 1e6).toFixed(1)} MB` : '';
  return [{ type: 'said', text: `${id}${size}\n` }];
}

function complete(reading: Reading, vertex: Vertex): StepEvent[] {
  const { digest, name, completed, error } = vertex;
  const step = reading.steps.get(digest);
  if (!step || completed === undefined || step.hasEnded) return [];
  step.hasEnded = true;
  if (error !== '') {
    reading.image = fetched.exec(name)?.[1] ?? reading.image;
    reading.url = ofUrl.exec(name)?.[1] ?? reading.url;
  }
  if (step.isInternal) return [];
  if (!step.name) return error ? [{ type: 'said', text: `${name}: ${error}\n` }] : [];
  const state = stateOf(vertex, step);
  if (state === 'failed') reading.failed ??= step;
  return [...flush(digest, step), { type: 'ended', step: digest, state, at: completed }];
}

/** True for a step of the Dockerfile. */
function isRunning({ name, hasBegun, hasEnded }: Step): boolean {
  return name !== undefined && hasBegun && !hasEnded;
}

function stateOf({ error, cached }: Vertex, { name, hasPulled }: Step) {
  // Where one step fails, those beside it are stopped.
  if (error !== '') return /context canceled/.test(error) ? 'canceled' : 'failed';
  // An image that is there already is taken as it is, like a step from the cache.
  const isThere = /^FROM /i.test(name?.title ?? '') && !hasPulled;
  return cached || isThere ? 'hit' : 'miss';
}

function flush(digest: string, { decoders }: Step): StepEvent[] {
  const text = [...decoders.values()].map((decoder) => decoder.end()).join('');
  return text === '' ? [] : [{ type: 'output', step: digest, text }];
}

function decode(aux: string): Status {
  try {
    return decodeStatus(Buffer.from(aux, 'base64'));
  } catch (error) {
    throw new RemoteError('Docker sent something that is no progress of BuildKit.', {
      code: 'E_DOCKER',
      cause: error,
    });
  }
}
