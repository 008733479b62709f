/** A Hook is one delivery of GitLab: what came in, and what Ekiden decided about it. */

/** What is known of a delivery besides its body. */
export interface Delivery {
  /** GitLab's Idempotency-Key (17.4+), or an id that Ekiden gave it. */
  id: string;
  /** True when `id` came from GitLab, so that a repeat of it is the same delivery. */
  idempotent: boolean;
  /** Milliseconds since the epoch at the last byte of the body. */
  receivedAt: number;
}

/** The answer that GitLab shows in its list of recent deliveries. */
export interface Decision {
  decision: 'queued' | 'ignored' | 'duplicate';
  /** One sentence for the developer who reads the delivery in GitLab. */
  reason: string;
  /** Id of the build that the delivery caused, or that it repeats. */
  build?: string;
}

/** Git's name for "no commit": 40 zeros, or 64 in SHA-256 repositories. */
export function isNoCommit(sha: string | null | undefined): boolean {
  return sha === null || sha === undefined || /^0+$/.test(sha);
}
