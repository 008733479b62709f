/** How often and how long things happen, counted as Dropwizard's meters and timers count: Marathon's figures are theirs. */

/** Seconds between two updates of a rate. */
const TICK_S = 5;

/** The latest durations that quantiles are taken from. */
const SAMPLES = 1024;

const MINUTES = [1, 5, 15];

export interface MeterFigures {
  count: number;
  mean_rate: number;
  m1_rate: number;
  m5_rate: number;
  m15_rate: number;
}

export interface TimerFigures extends MeterFigures {
  min: number;
  mean: number;
  max: number;
  stddev: number;
  p50: number;
  p75: number;
  p95: number;
  p98: number;
  p99: number;
  p999: number;
}

export type Meter = ReturnType<typeof createMeter>;
export type Timer = ReturnType<typeof createTimer>;

/** Rates in events a second: the mean since the beginning, and averages that forget exponentially. */
export function createMeter(now: () => number = Date.now) {
  const started = now();
  let count = 0;
  let uncounted = 0;
  let ticks = 0;
  let rates: number[] | undefined;

  /** Catches up with the ticks since the last call. */
  function tick(): void {
    const due = Math.floor((now() - started) / 1000 / TICK_S);
    const missed = due - ticks;
    if (missed <= 0) return;
    ticks = due;
    const instant = uncounted / TICK_S;
    uncounted = 0;
    rates = MINUTES.map((minutes, index) => {
      const before = rates?.[index];
      const keeps = Math.exp(-TICK_S / 60 / minutes);
      const after = before === undefined ? instant : before * keeps + instant * (1 - keeps);
      return after * keeps ** (missed - 1);
    });
  }

  return {
    mark: (): void => {
      tick();
      count += 1;
      uncounted += 1;
    },
    read: (): MeterFigures => {
      tick();
      const seconds = (now() - started) / 1000;
      const [m1_rate = 0, m5_rate = 0, m15_rate = 0] = rates ?? [];
      const mean_rate = count === 0 || seconds === 0 ? 0 : count / seconds;
      return { count, mean_rate, m1_rate, m5_rate, m15_rate };
    },
  };
}

/** A meter with durations in seconds. */
export function createTimer(now: () => number = Date.now) {
  const meter = createMeter(now);
  const samples: number[] = [];
  let next = 0;

  return {
    record: (seconds: number): void => {
      meter.mark();
      samples[next] = seconds;
      next = (next + 1) % SAMPLES;
    },
    read: (): TimerFigures => ({ ...meter.read(), ...distributionOf(samples) }),
  };
}

function distributionOf(samples: number[]): Omit<TimerFigures, keyof MeterFigures> {
  const sorted = samples.toSorted((a, b) => a - b);
  const size = Math.max(sorted.length, 1);
  const mean = sorted.reduce((sum, one) => sum + one, 0) / size;
  const variance = sorted.reduce((sum, one) => sum + (one - mean) ** 2, 0) / size;
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return {
    min: sorted[0] ?? 0,
    mean,
    max: sorted.at(-1) ?? 0,
    stddev: Math.sqrt(variance),
    p50: at(0.5),
    p75: at(0.75),
    p95: at(0.95),
    p98: at(0.98),
    p99: at(0.99),
    p999: at(0.999),
  };
}
