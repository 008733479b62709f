/** Prints the steps of a build as they run, several at a time where the builder does so. */
import type { BuildLog } from '../../core/build-log.ts';
import type { BuildStep, StepEvent } from '../../core/build-step.ts';
import type { Masker } from '../../core/secret.ts';
import { showSpan } from '../../core/span.ts';
import { clockTime } from './step-text.ts';
import { createTerminalText, type TerminalText } from './terminal-text.ts';

interface Open {
  number: number;
  step: BuildStep;
  /** Used while several steps run: then whole lines alone are put between each other. */
  terminal: TerminalText;
  /** Of its own, since other lines may come between two parts of a secret. */
  masker: Masker;
  /** Whoever prints colours may leave them open. */
  isColoured: boolean;
}

const plainAgain = '\x1b[0m';

type Log = Pick<BuildLog, 'write' | 'masker'>;

export class StepPrinter {
  /** In the order in which they began. */
  readonly steps: BuildStep[] = [];
  readonly #log: Log;
  readonly #open = new Map<string, Open>();
  readonly #since: number;
  #isLineOpen = false;
  /** Of the step whose line is open, where steps run side by side. */
  #openNumber: number | undefined;

  /** Shows no time before `since`, in milliseconds since the epoch: what the cache holds was made in earlier builds. */
  constructor(log: Log, since: number) {
    this.#log = log;
    this.#since = since;
  }

  take(event: StepEvent): void {
    if (event.type === 'started') this.#start(event);
    else if (event.type === 'output') this.#print(event);
    else if (event.type === 'ended') this.#end(event);
    else this.#put(`${this.#isLineOpen ? '\n' : ''}${event.text}`);
  }

  line(text: string): void {
    this.#put(`${this.#isLineOpen ? '\n' : ''}${text}\n`);
  }

  #start({ step: id, title, origin, at }: StepEvent & { type: 'started' }): void {
    const step: BuildStep = { title, ...(origin ? { origin } : {}), state: 'running', start: at };
    const number = this.steps.push(step);
    const masker = this.#log.masker();
    const terminal = createTerminalText();
    this.#open.set(id, { number, step, terminal, masker, isColoured: false });
    this.line(`${this.#clock(at)} #${number} ${title}${origin ? `  (${origin})` : ''}`);
  }

  #print({ step: id, text }: StepEvent & { type: 'output' }): void {
    const from = this.#open.get(id);
    if (from) this.#tell(from, from.masker.write(this.#linesOf(from, text)));
    else this.#put(text);
  }

  /** A step that runs alone prints what it says as it comes. */
  #linesOf({ terminal }: Open, text: string): string {
    return this.#open.size > 1 ? terminal.write(text) : terminal.end() + text;
  }

  #end({ step: id, state, at }: StepEvent & { type: 'ended' }): void {
    const ended = this.#open.get(id);
    if (!ended) return;
    const { number, step, terminal, masker } = ended;
    this.#tell(ended, masker.write(terminal.end()) + masker.end());
    this.#open.delete(id);
    Object.assign(step, { state, end: at });
    const plain = ended.isColoured ? plainAgain : '';
    this.line(`${plain}${this.#clock(at)} #${number} ${endWords(step)}`);
  }

  #clock(at: number): string {
    return clockTime(Math.max(at, this.#since));
  }

  #tell(from: Open, text: string): void {
    from.isColoured ||= text.includes('\x1b');
    if (this.#open.size > 1) this.#lines(from, text);
    else this.#put(text);
  }

  /** A very long line comes in parts, which follow each other unless another step says something between them. */
  #lines({ number }: Open, text: string): void {
    if (text === '') return;
    for (const line of text.split(/(?<=\n)/)) {
      const goesOn = this.#isLineOpen && this.#openNumber === number;
      this.#put(goesOn ? line : `${this.#isLineOpen ? '\n' : ''}#${number} ${line}`);
      this.#openNumber = number;
    }
  }

  #put(text: string): void {
    if (text === '') return;
    this.#openNumber = undefined;
    this.#isLineOpen = !text.endsWith('\n');
    this.#log.write(text);
  }
}

function endWords({ state, start, end = start }: BuildStep): string {
  if (state === 'hit') return 'from the cache';
  const took = showSpan(end - start);
  return state === 'miss' ? took : `${state} after ${took}`;
}
