/** Reads the steps of a build out of what the classic builder prints. */
import type { StepEvent } from '../../core/build-step.ts';
import type { StepPlaces } from './step-places.ts';
import { lastWordsOf, type StepReader, titleOf } from './steps.ts';

/** The builder's own lines come as messages of their own; what a command prints may still look like one. */
const begins = /^Step (\d+)\/\d+ : (.*)$/s;
/** The labels that a build is asked for come behind the last instruction of the file, as steps of their own. */
const addsLabel = /^Step (\d+)\/\d+ : LABEL ekiden\./;
const usesCache = /^ ---> Using cache\n$/;
const noise =
  /^( ---> (Running in )?[0-9a-f]{12}|Removing intermediate container [0-9a-f]{12}|Successfully tagged \S+)\n$/;
const done = /^Successfully built [0-9a-f]{12}\n$/;

/** Progress of a pull that comes many times a second. */
const hurried =
  /^(Downloading|Extracting|Waiting|Verifying Checksum|Pulling fs layer|Download complete)/;

const from = /^FROM\s+(?:--\S+\s+)*(\S+)/i;

interface Step {
  /** Its number. */
  id: string;
  line: number | undefined;
  /** That of a FROM. */
  image: string | undefined;
  isHit: boolean;
  lastWords: string;
}

interface Reading {
  places: StepPlaces;
  /** The one under way. */
  step: Step | undefined;
  last: Step | undefined;
  /** The line end behind a title comes in a message of its own. */
  awaitsLineEnd: boolean;
}

export function createClassicSteps(places: StepPlaces): StepReader {
  const reading: Reading = { places, step: undefined, last: undefined, awaitsLineEnd: false };

  return {
    read({ stream, status, id }, at) {
      if (stream) return print(reading, stream, at);
      if (status === undefined || hurried.test(status)) return [];
      if (reading.step) reading.step.isHit = false;
      return [{ type: 'said', text: `${id ? `${id}: ` : ''}${status}\n` }];
    },
    end: (state, at) => finish(reading, state, at),
    get current() {
      const { line, lastWords = '', image } = reading.last ?? {};
      return { line, lastWords, image };
    },
  };
}

function print(reading: Reading, text: string, at: number): StepEvent[] {
  const { step, awaitsLineEnd } = reading;
  const [, number, instruction = ''] = begins.exec(text) ?? [];
  if (isNext(reading, number)) return begin(reading, { number, instruction, at });
  reading.awaitsLineEnd = false;
  if (isBehindFile(reading, addsLabel.exec(text)?.[1])) {
    reading.awaitsLineEnd = true;
    return finish(reading, 'done', at);
  }
  if (awaitsLineEnd && text === '\n') return [];
  if (done.test(text)) return finish(reading, 'done', at);
  if (usesCache.test(text) && step) step.isHit = true;
  return usesCache.test(text) || noise.test(text) ? [] : say(step, text);
}

/** Without this a command could print any number of steps, and each is remembered. */
function isNext({ places, last }: Reading, number: string | undefined): number is string {
  if (number === undefined || places.lineOfStep(Number(number)) === undefined) return false;
  return last === undefined || Number(number) > Number(last.id);
}

function isBehindFile({ places }: Reading, number: string | undefined): boolean {
  return number !== undefined && places.lineOfStep(Number(number)) === undefined;
}

function begin(
  reading: Reading,
  { number, instruction, at }: { number: string; instruction: string; at: number },
): StepEvent[] {
  const before = finish(reading, 'done', at);
  const line = reading.places.lineOfStep(Number(number));
  const image = from.exec(instruction)?.[1];
  // An image that is there already is taken as it is, like a step from the cache.
  const step: Step = { id: number, line, image, isHit: image !== undefined, lastWords: '' };
  Object.assign(reading, { step, last: step, awaitsLineEnd: true });
  const origin = reading.places.originOf(line);
  const where = origin === undefined ? {} : { origin };
  return [...before, { type: 'started', step: number, title: titleOf(instruction), ...where, at }];
}

function say(step: Step | undefined, text: string): StepEvent[] {
  if (!step) return [{ type: 'said', text }];
  step.lastWords = lastWordsOf(step.lastWords, text);
  return [{ type: 'output', step: step.id, text }];
}

function finish(reading: Reading, how: 'done' | 'failed' | 'canceled', at: number): StepEvent[] {
  const { step } = reading;
  if (!step) return [];
  reading.step = undefined;
  const state = how === 'done' ? (step.isHit ? 'hit' : 'miss') : how;
  return [{ type: 'ended', step: step.id, state, at }];
}
