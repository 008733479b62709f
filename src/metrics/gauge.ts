/** Measures one instance: the reader of its container while that runs, and its ring. */
import { performance } from 'node:perf_hooks';
import type { NodeInstance, RunningContainer } from '../core/node.ts';
import type { InstanceMetrics, Limits } from '../core/sample.ts';
import { type Reading, sampleOf } from './counters.ts';
import { openReader, type Reader, type Roots } from './reader.ts';
import { createRing, type Ring } from './ring.ts';

export interface GaugeOptions {
  instance: NodeInstance;
  roots: Roots;
  /** Milliseconds between two samples. */
  step: number;
  /** Samples that are kept. */
  length: number;
}

export class Gauge {
  readonly app: string;
  /** Milliseconds since the epoch of the last sample. */
  sampledAt = Date.now();
  readonly #options: GaugeOptions;
  readonly #ring: Ring;
  #pid: number | undefined;
  #reader: Reader | undefined;
  #limits: Limits = {};
  #last: Reading | undefined;

  constructor(options: GaugeOptions) {
    this.app = options.instance.app;
    this.#options = options;
    this.#ring = createRing(options);
  }

  get isRunning(): boolean {
    return this.#reader !== undefined;
  }

  /** Reads from now on what the container uses; a container that started again has another process. */
  follow(running: RunningContainer | undefined): void {
    if (running?.pid === this.#pid) return;
    this.end();
    this.#pid = running?.pid;
    this.#reader = running && openReader(running, this.#options.roots);
    if (this.#reader) this.#limits = this.#reader.limits;
    this.sample();
  }

  /** The first reading is what the next is compared with. */
  sample(): void {
    if (!this.#reader) return;
    const counters = this.#reader.read();
    if (!counters) {
      this.end();
      return;
    }
    const now = { at: performance.now(), counters };
    this.sampledAt = Date.now();
    // A value holds what was used in the step that ends now.
    const step = Math.round(this.sampledAt / this.#options.step) - 1;
    if (this.#last) this.#ring.put(step, sampleOf(this.#last, now));
    this.#last = now;
  }

  /** Closes the files; what was measured stays. */
  end(): void {
    this.#reader?.close();
    this.#reader = undefined;
    this.#last = undefined;
  }

  metrics(): InstanceMetrics {
    const { id: instance } = this.#options.instance;
    return { instance, limits: this.#limits, series: this.#ring.series() };
  }
}
