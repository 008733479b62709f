/** Measures one instance: the reader of its container while that runs, and its ring. */
import { performance } from 'node:perf_hooks';
import type { NodeInstance, RunningContainer } from '../core/node.ts';
import type { InstanceMetrics, Limits, MetricName } from '../core/sample.ts';
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

type Sample = Record<MetricName, number | null>;

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
  /** What one that has no value yet used since its begin. */
  #early: { step: number; values: Sample } | undefined;
  #hasValues = false;

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
    if (this.#last) this.#put(step, sampleOf(this.#last, now));
    this.#last = now;
  }

  /** Reads one that has no value yet, since it may end before its first step does. */
  sampleEarly(): void {
    if (!this.#reader || !this.#last || this.#hasValues) return;
    const counters = this.#reader.read();
    if (!counters) {
      this.end();
      return;
    }
    this.sampledAt = Date.now();
    const step = Math.floor(this.sampledAt / this.#options.step);
    this.#early = { step, values: sampleOf(this.#last, { at: performance.now(), counters }) };
  }

  #put(step: number, values: Sample): void {
    this.#ring.put(step, values);
    this.#hasValues = true;
    this.#early = undefined;
  }

  /** Closes the files; what was measured stays. */
  end(): void {
    if (this.#early) this.#put(this.#early.step, this.#early.values);
    this.#reader?.close();
    this.#reader = undefined;
    this.#last = undefined;
  }

  metrics(): InstanceMetrics {
    const { id: instance } = this.#options.instance;
    return { instance, limits: this.#limits, series: this.#ring.series() };
  }
}
