/** Matches instances that wait for their launch with what the node has to give. */
import type { App } from '../apps/app-definition.ts';
import type { Context } from '../context.ts';
import type { Instance } from '../state/cluster.ts';
import { available, type Resources, totalOf } from './node.ts';
import { mismatches, type Reason } from './offers.ts';

interface MatcherOptions extends Pick<Context, 'cluster' | 'node' | 'offers'> {
  isLaunching: (instance: Instance) => boolean;
}

export function createMatcher(options: MatcherOptions): Matcher {
  return new Matcher(options);
}

class Matcher {
  readonly #options: MatcherOptions;
  /** What tasks hold, for this turn of the event loop: thousands may be matched in one. */
  #held: Resources | undefined;

  constructor(options: MatcherOptions) {
    this.#options = options;
  }

  /** True when the instance may be launched now; otherwise the queue tells why not. */
  fits(instance: Instance, app: App): boolean {
    const { node } = this.#options;
    const used = this.#used();
    const placed = this.#placed(instance, app);
    const reasons = mismatches(app, { node, used, placed });
    if (reasons.length > 0) this.#decline(app, reasons, used);
    else this.#held = totalOf([used, app]);
    return reasons.length === 0;
  }

  /** The instance has got its host ports, the last thing that it needs. */
  taken(app: App): void {
    this.#options.offers.taken(app.id);
  }

  /** What is found out only after the room was there: a host port, Docker or the image is not to be had. */
  decline(app: App, reason: Reason): void {
    this.#decline(app, [reason], this.#used());
  }

  #decline(app: App, reasons: Reason[], used: Resources): void {
    const { node, offers } = this.#options;
    offers.declined(app.id, reasons, available(node, used));
  }

  /** A task holds what it asked for until it has ended. */
  #used(): Resources {
    if (this.#held) return this.#held;
    const { cluster } = this.#options;
    const holders = cluster.instances().filter((instance) => this.#isPlaced(instance));
    this.#held = totalOf(holders.flatMap((instance) => cluster.definitionOf(instance) ?? []));
    setImmediate(() => {
      this.#held = undefined;
    });
    return this.#held;
  }

  /** Only instances of the same configuration stand in each other's way, as in Marathon. */
  #placed(instance: Instance, { id, versionInfo }: App): number {
    const others = [...this.#options.cluster.record(id).instances.values()].filter(
      (other) =>
        other !== instance &&
        other.version >= versionInfo.lastConfigChangeAt &&
        this.#isPlaced(other),
    );
    return others.length;
  }

  #isPlaced(instance: Instance): boolean {
    return instance.condition !== 'Scheduled' || this.#options.isLaunching(instance);
  }
}

export type { Matcher };
