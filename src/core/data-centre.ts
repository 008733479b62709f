/** What is known of a data centre: one Marathon and its nodes. */

export interface DataCentreStatus {
  name: string;
  /** Of its Marathon, without what they hold of users and passwords. */
  addresses: readonly string[];
  /** True where services go whose manifest names no data centre. */
  isDefault: boolean;
  state: 'up' | 'away';
  /** Why it is away, and since when (milliseconds since the epoch) as far as somebody noticed. */
  reason?: string;
  awaySince?: number;
  /** Of Marathon. */
  version?: string;
  /** host:port */
  leader?: string;
  /** Of this installation: its apps, and their instances that are wanted and that run. */
  apps?: number;
  instances?: { wanted: number; running: number };
  /** How fresh it is what each balancer knows of it. */
  balancers: BalancerSync[];
}

/** Times in milliseconds since the epoch. */
export interface BalancerSync {
  balancer: string;
  /** When all that it knows was last confirmed by Marathon; absent before the first answer. */
  syncedAt?: number;
  /** When the event stream last gave a sign of life. */
  streamAt?: number;
  /** True when nothing was confirmed for so long that gone instances may still get requests. */
  isOld: boolean;
}

/** What people are told of data centres. */
export interface DataCentreReports {
  /** All, in the order of the settings; asks each Marathon, and waits for none longer than some seconds. */
  list(): Promise<DataCentreStatus[]>;
  /** What balancers report alone. */
  syncs(): Promise<(BalancerSync & { dataCentre: string })[]>;
}
