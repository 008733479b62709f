/** What every long-running process of Ekiden looks like from outside. */
export interface Runner {
  /** Takes no new work, gives running work back, and resolves when nothing is left to do. */
  stop(): Promise<void>;
}
